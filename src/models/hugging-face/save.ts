/**
 * @file A model in the layout that transformers loads: config.json, preprocessor_config.json, model.safetensors. Text and
 * bytes only; where they go is the caller's.
 */
import { type Expressed, expressible } from "../../imaging/hugging-face-settings.js";
import type { Preprocessing } from "../../imaging/preprocessing.js";
import { VitreousError } from "../../onnx/errors.js";
import type { Tensor } from "../../onnx/graph.js";
import { elementCount } from "../../onnx/tensor.js";
import { checkedPlan } from "../index.js";
import { byteLength, type StoredTensors, storedTensors } from "../stored-tensor.js";
import { type Precision, writeSafetensors } from "../write-safetensors.js";
import type { HuggingFaceDescription } from "./config.js";

export interface SavedModel {
  readonly description: HuggingFaceDescription;
  /** Under transformers' names. */
  readonly tensors: ReadonlyMap<string, Tensor>;
  /** As transformers makes it: `expressible(…).preprocessing`. */
  readonly preprocessing: Preprocessing;
  /** float32 by default. */
  readonly precision?: Precision | undefined;
}

/** Fields that transformers takes as floating point numbers only, though JSON has one kind of number. */
const FLOATS = ["layerscale_value", "layer_norm_eps", "initializer_range"];

/** So it does with the width of Swin's MLPs; DINOv2's must be a whole number. */
const floatsOf = (modelType: unknown): readonly string[] =>
  modelType === "swin" || modelType === "swinv2" ? [...FLOATS, "mlp_ratio"] : FLOATS;

/** As transformers writes it: keys in order. */
function json(value: Readonly<Record<string, unknown>>): string {
  const sorted = Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
  const whole = new RegExp(`^(  "(?:${floatsOf(value.model_type).join("|")})": -?\\d+)(?=,?$)`, "gm");
  return `${JSON.stringify(sorted, undefined, 2).replace(whole, "$1.0")}\n`;
}

/** transformers' processor must do what the model was trained with, or its logits are of other pictures. */
function settingsFor(preprocessing: Preprocessing): Expressed["settings"] {
  const { settings, notes } = expressible(preprocessing);
  if (notes.length === 0) return settings;
  throw new VitreousError(
    `transformers cannot prepare pictures as this model was trained: ${notes.join(" ")} Train with the preparation that it can express.`,
  );
}

/**
 * The files of a model by name, text or pieces of bytes.
 *
 * @throws VitreousError where the tensors do not fit the description, or transformers' processors cannot prepare pictures
 *   this way
 */
export function huggingFaceFiles(model: SavedModel): ReadonlyMap<string, string | readonly Uint8Array[]> {
  const { description, tensors, preprocessing, precision = "float32" } = model;
  checkedPlan(description, storedTensors(tensors), {});
  return new Map<string, string | readonly Uint8Array[]>([
    ["model.safetensors", writeSafetensors(tensors, precision)],
    ["preprocessor_config.json", json(settingsFor(preprocessing))],
    ["config.json", json(description.json)],
  ]);
}

/** Tensors of a checkpoint, read into memory. */
export async function loadTensors(tensors: StoredTensors): Promise<ReadonlyMap<string, Tensor>> {
  const loaded = new Map<string, Tensor>();
  for (const [name, tensor] of tensors) {
    const bytes = tensor.bytes ?? new Uint8Array(byteLength(tensor));
    if (tensor.bytes === undefined && elementCount(tensor.dims) > 0) await tensor.readInto(bytes);
    loaded.set(name, { dtype: tensor.dtype, dims: tensor.dims, bytes });
  }
  return loaded;
}
