/** @file A model in the layout that timm loads from the hub or from a folder: config.json, model.safetensors. */
import type { Preprocessing } from "../../imaging/preprocessing.js";
import { timmExpressible } from "../../imaging/timm-settings.js";
import { VitreousError } from "../../onnx/errors.js";
import type { Tensor } from "../../onnx/graph.js";
import { checkedPlan } from "../index.js";
import { storedTensors } from "../stored-tensor.js";
import { type Precision, writeSafetensors } from "../write-safetensors.js";
import type { TimmDescription } from "./config.js";

export interface SavedTimmModel {
  readonly description: TimmDescription;
  readonly tensors: ReadonlyMap<string, Tensor>;
  /** As timm makes it: `timmExpressible(…).preprocessing`. */
  readonly preprocessing: Preprocessing;
  /** float32 by default. */
  readonly precision?: Precision | undefined;
}

/**
 * The files of a model by name, text or pieces of bytes.
 *
 * @throws VitreousError where the tensors do not fit the description, or timm cannot prepare pictures this way
 */
export function timmFiles(model: SavedTimmModel): ReadonlyMap<string, string | readonly Uint8Array[]> {
  const { description, tensors, preprocessing, precision = "float32" } = model;
  checkedPlan(description, storedTensors(tensors), {});
  const { settings, notes } = timmExpressible(preprocessing);
  if (notes.length > 0) {
    throw new VitreousError(
      `timm cannot prepare pictures as this model was trained: ${notes.join(" ")} Train with the preparation that it can express.`,
    );
  }
  const { architecture, classes, pool, args, labels, pretrained } = description;
  const config = {
    architecture,
    num_classes: classes,
    ...(pool === undefined ? {} : { global_pool: pool }),
    ...(labels === undefined ? {} : { label_names: labels }),
    model_args: args,
    pretrained_cfg: { ...pretrained, custom_load: false, ...settings },
  };
  return new Map<string, string | readonly Uint8Array[]>([
    ["model.safetensors", writeSafetensors(tensors, precision)],
    ["config.json", `${JSON.stringify(config, undefined, 2)}\n`],
  ]);
}
