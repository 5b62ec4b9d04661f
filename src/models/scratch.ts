/**
 * @file A model of nothing but an architecture: what a checkpoint would be that holds the weights with which the library
 * itself begins. Whatever takes a checkpoint takes it too.
 */
import { VitreousError } from "../onnx/errors.js";
import type { Spec } from "../spec.js";
import type { Size } from "./architecture.js";
import { argumentsOf } from "./argument.js";
import { plainLabels } from "./classes.js";
import { type Description, nameOf } from "./description.js";
import { byModelType } from "./hugging-face/class-names.js";
import {
  CLASSIFIERS,
  configured,
  fieldsOf,
  isClassifierType,
  sideOrPair,
} from "./hugging-face/translate/configuration.js";
import { freshWeights } from "./hugging-face/translate/index.js";
import type { StoredTensors } from "./stored-tensor.js";
import { splitName, timmArchitecture } from "./timm/architectures.js";
import { plainDescription } from "./timm/config.js";
import { freshTimmWeights } from "./timm/fresh.js";
import type { TrainableDescription } from "./trainable.js";

const TYPES = Object.keys(CLASSIFIERS).join(", ");

/**
 * The architecture that a name and arguments mean: timm's ("swin_tiny_patch4_window7_224:embed_dim=48,depths=2-2-4-2"), or a
 * model type of transformers with fields of its config.json ("vit:hidden_size=192").
 *
 * @throws VitreousError for an unknown name, and for fields that transformers' type does not have
 */
export function architectureNamed(spec: Spec): Description {
  const args = argumentsOf(spec);
  const entry = timmArchitecture(spec.name);
  if (entry !== undefined) {
    // How pictures are prepared is taken from the name; the weights that the tag stands for are not.
    const { tag: _, ...pretrained } = entry.pretrained;
    return { ...plainDescription(splitName(spec.name).architecture), args, pretrained };
  }
  const modelType = byModelType(spec)?.name ?? spec.name;
  if (!isClassifierType(modelType))
    throw new VitreousError(
      `"${spec.name}" is no architecture that can be trained from nothing. Give one of timm's names (vit_tiny_patch16_224, deit_small_distilled_patch16_224, swin_tiny_patch4_window7_224, …) or a type of transformers' (${TYPES}), with arguments behind a colon; or a config.json.`,
    );
  const known = fieldsOf(modelType);
  const unknown = Object.keys(args).filter((field) => !known.includes(field));
  if (unknown.length > 0)
    throw new VitreousError(
      `${modelType}: there is no field ${unknown.join(", ")} (there are: ${known.join(", ")}).`,
    );
  return { library: "hugging-face", modelType, architectures: [], json: args, labels: undefined };
}

export interface ScratchOptions {
  /** Classes, in the order of the logits; two without names by default. */
  readonly labels?: readonly string[] | undefined;
  /** Size of the images, where it is not the architecture's own. */
  readonly image?: Size | undefined;
  /** Of the weights: the same seed draws the same. */
  readonly seed: number;
}

export interface Scratch {
  /** With a classifier of the classes. */
  readonly description: TrainableDescription;
  readonly tensors: StoredTensors;
}

/**
 * A classifier of an architecture, with new weights.
 *
 * @throws VitreousError for what cannot be trained from nothing: all but ViT, DeiT, DINOv2, Swin and Swin V2 of
 *   transformers and of timm; for arguments that make no model
 */
export function fromScratch(
  description: Description,
  { labels = plainLabels(2), image, seed }: ScratchOptions,
): Scratch {
  if (description.library === "hugging-face") {
    const { modelType, json } = description;
    if (!isClassifierType(modelType))
      throw new VitreousError(`${nameOf(description)} cannot be trained from nothing: ${TYPES} can.`);
    const fields = image === undefined ? json : { ...json, image_size: sideOrPair(image) };
    const target = configured(modelType, fields, labels);
    return { description: target, tensors: freshWeights(target, seed) };
  }
  if (description.library === "torchvision")
    throw new VitreousError(
      `${nameOf(description)} is torchvision's; give the same architecture by timm's name.`,
    );
  const { num_classes: _, ...args } = description.args;
  const target = {
    ...description,
    classes: labels.length,
    labels,
    args: image === undefined ? args : { ...args, img_size: image },
  };
  return { description: target, tensors: freshTimmWeights(target, seed) };
}
