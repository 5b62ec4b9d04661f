/**
 * @file A smaller model out of a pretrained one: its first blocks, with the last norm and the classifier behind them. The
 * early blocks of a vision transformer carry over to a new data set by themselves, at a share of the size and the time.
 */

import { nameOf } from "../models/description.js";
import type { Trainable, TrainableDescription } from "../models/trainable.js";
import { VitreousError } from "../onnx/errors.js";
import { depthsOf } from "./layer-decay.js";

/** What a configuration of transformers lists by block. */
const BY_BLOCK: ReadonlySet<string> = new Set(["stage_names", "out_features", "out_indices"]);

/**
 * The model without all blocks behind the first `count`.
 *
 * @throws VitreousError for a model with stages (Swin), whose blocks differ in width, and for more blocks than there are
 */
export function firstBlocks(model: Trainable, count: number): Trainable {
  const { blocks, depthOf } = depthsOf(model.tensors.keys());
  const name = nameOf(model.description);
  if (isStaged(model.description))
    throw new VitreousError(`${name} has stages of different widths: no blocks can be left out of it.`);
  if (count > blocks) throw new VitreousError(`${name} has ${blocks} blocks, not ${count}.`);
  if (count === blocks) return model;
  const gone = (tensor: string): boolean => depthOf(tensor) > count && depthOf(tensor) <= blocks;
  return {
    description: shortened(model.description, count),
    tensors: new Map([...model.tensors].filter(([tensor]) => !gone(tensor))),
    notes: [...model.notes, `only the first ${count} of ${blocks} blocks are kept`],
  };
}

const isStaged = (description: TrainableDescription): boolean =>
  /^swin/.test(description.library === "timm" ? description.architecture : description.modelType);

function shortened(description: TrainableDescription, count: number): TrainableDescription {
  if (description.library === "timm") return { ...description, args: { ...description.args, depth: count } };
  const json = Object.entries(description.json).filter(([key]) => !BY_BLOCK.has(key));
  return { ...description, json: { ...Object.fromEntries(json), num_hidden_layers: count } };
}
