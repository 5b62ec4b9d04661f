/**
 * @file Checkpoints into graphs. An architecture is one file; this one finds it, checks the tensors against it and
 * adds what the checkpoint says about labels and preprocessing.
 */
import { GraphBuilder } from "../onnx/builder.js";
import { BATCH } from "../onnx/dim.js";
import { VitreousError } from "../onnx/errors.js";
import type { Model, Tensor } from "../onnx/graph.js";
import type { Architecture } from "./architecture.js";
import { type CheckpointConfig, labelsOf } from "./config.js";
import { vit } from "./vit.js";
import { weightsOf } from "./weights.js";

export { type CheckpointConfig, readConfig } from "./config.js";
export { readSafetensors } from "./safetensors.js";

/** Metadata: a JSON list of the classes' names, in the order of the logits. */
export const LABELS_KEY = "vitreous.labels";

/**
 * Metadata: JSON of how pictures are prepared, in the words of the library the checkpoint comes from:
 * `{"pretrained_cfg": {"input_size", "interpolation", "crop_pct", "crop_mode", "mean", "std"}}` for timm.
 */
export const PREPROCESSING_KEY = "vitreous.preprocessing";

/** Gelu as one operator came with opset 20; ONNX Runtime fuses it with the bias in front of it. */
const OPSET = 20;
const IR_VERSION = 9;

const ARCHITECTURES: readonly Architecture[] = [vit];

function architectureOf(config: CheckpointConfig): Architecture {
  const found = ARCHITECTURES.find((architecture) => architecture.accepts(config));
  if (found) return found;
  throw new VitreousError(
    `The architecture "${config.architecture}" is not one of those that can be opened from a checkpoint: ${ARCHITECTURES.map((a) => a.name).join("; ")}. Export the model to ONNX and open the .onnx file instead.`,
  );
}

function metadataOf(config: CheckpointConfig): ReadonlyMap<string, string> {
  const metadata = new Map<string, string>();
  const labels = labelsOf(config);
  if (labels) metadata.set(LABELS_KEY, JSON.stringify(labels));
  if (config.pretrained_cfg) {
    const { input_size, interpolation, crop_pct, crop_mode, mean, std } = config.pretrained_cfg;
    const used = { input_size, interpolation, crop_pct, crop_mode, mean, std };
    metadata.set(PREPROCESSING_KEY, JSON.stringify({ pretrained_cfg: used }));
  }
  return metadata;
}

/**
 * The model of a checkpoint: pixel_values float32 [N, channels, H, W] → logits [N, classes], any batch size.
 * float16 and bfloat16 tensors are widened to float32.
 *
 * @throws VitreousError for an unknown architecture or option, or listing every tensor that is missing, has
 *   another shape, or is not expected
 */
export function buildModel(config: CheckpointConfig, tensors: ReadonlyMap<string, Tensor>): Model {
  const { input, write } = architectureOf(config).plan(config);
  const graph = GraphBuilder.empty(config.architecture, OPSET);
  const weights = weightsOf(tensors, config.architecture);
  const pixels = graph.input({ name: "pixel_values", dtype: "float32", shape: [BATCH, ...input] });
  const logits = write({ graph, weights }, pixels);
  weights.finish();
  return {
    irVersion: IR_VERSION,
    opsets: new Map([["", OPSET]]),
    producer: "vitreous",
    metadata: metadataOf(config),
    graph: graph.build([logits]),
    functions: [],
  };
}
