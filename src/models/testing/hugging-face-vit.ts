/** @file Tensors of tiny ViTs under transformers' names, with random values, for tests of what fits a configuration. */
import type { Tensor } from "../../onnx/graph.js";
import { float32Tensor } from "../../onnx/tensor.js";
import { normal } from "../../random.js";

export type Shapes = Readonly<Record<string, readonly number[]>>;

export const DIM = 8;
export const PATCH = 4;

const linear = (name: string, outputs: number, inputs: number): Shapes => ({
  [`${name}.weight`]: [outputs, inputs],
  [`${name}.bias`]: [outputs],
});

const norm = (name: string): Shapes => ({ [`${name}.weight`]: [DIM], [`${name}.bias`]: [DIM] });

const qkv = (scope: string): Shapes =>
  Object.assign(
    {},
    ...["query", "key", "value"].map((m) => linear(`${scope}.attention.attention.${m}`, DIM, DIM)),
  );

function embeddings(prefix: string, tokens: number, grid: number): Shapes {
  return {
    [`${prefix}embeddings.cls_token`]: [1, 1, DIM],
    [`${prefix}embeddings.position_embeddings`]: [1, tokens + grid * grid, DIM],
    [`${prefix}embeddings.patch_embeddings.projection.weight`]: [DIM, 3, PATCH, PATCH],
    [`${prefix}embeddings.patch_embeddings.projection.bias`]: [DIM],
  };
}

/** One block of ViT's kind, an image of 16 × 16. */
export const vitShapes = (prefix = "vit.", tokens = 1): Shapes => ({
  ...embeddings(prefix, tokens, 4),
  ...norm(`${prefix}encoder.layer.0.layernorm_before`),
  ...qkv(`${prefix}encoder.layer.0`),
  ...linear(`${prefix}encoder.layer.0.attention.output.dense`, DIM, DIM),
  ...norm(`${prefix}encoder.layer.0.layernorm_after`),
  ...linear(`${prefix}encoder.layer.0.intermediate.dense`, 2 * DIM, DIM),
  ...linear(`${prefix}encoder.layer.0.output.dense`, DIM, 2 * DIM),
  ...norm(`${prefix}layernorm`),
});

/** One block of DINOv2's kind, an image of 16 × 16. */
export const dinov2Shapes = (prefix = "dinov2."): Shapes => ({
  ...embeddings(prefix, 1, 4),
  [`${prefix}embeddings.mask_token`]: [1, DIM],
  ...norm(`${prefix}encoder.layer.0.norm1`),
  ...qkv(`${prefix}encoder.layer.0`),
  ...linear(`${prefix}encoder.layer.0.attention.output.dense`, DIM, DIM),
  [`${prefix}encoder.layer.0.layer_scale1.lambda1`]: [DIM],
  ...norm(`${prefix}encoder.layer.0.norm2`),
  ...linear(`${prefix}encoder.layer.0.mlp.fc1`, 2 * DIM, DIM),
  ...linear(`${prefix}encoder.layer.0.mlp.fc2`, DIM, 2 * DIM),
  [`${prefix}encoder.layer.0.layer_scale2.lambda1`]: [DIM],
  ...norm(`${prefix}layernorm`),
});

export const classifierShapes = (classes: number, width = DIM, name = "classifier"): Shapes =>
  linear(name, classes, width);

/** Random values, the same for a name wherever it stands. */
export function tensorsOf(
  shapes: Readonly<Record<string, readonly number[] | undefined>>,
): Map<string, Tensor> {
  const tensors = new Map<string, Tensor>();
  for (const [name, dims] of Object.entries(shapes)) {
    if (dims === undefined) continue;
    const next = normal([...name].reduce((seed, c) => (seed * 31 + c.charCodeAt(0)) >>> 0, 7));
    const values = Float32Array.from({ length: dims.reduce((a, b) => a * b, 1) }, next);
    tensors.set(name, float32Tensor(dims, values));
  }
  return tensors;
}

/** What config.json says of `vitShapes`. */
export const VIT = {
  model_type: "vit",
  architectures: ["ViTForImageClassification"],
  hidden_size: DIM,
  num_hidden_layers: 1,
  num_attention_heads: 2,
  intermediate_size: 2 * DIM,
  image_size: 16,
  patch_size: PATCH,
};

/** What config.json says of `dinov2Shapes`. */
export const DINOV2 = {
  model_type: "dinov2",
  architectures: ["Dinov2ForImageClassification"],
  hidden_size: DIM,
  num_hidden_layers: 1,
  num_attention_heads: 2,
  mlp_ratio: 2,
  image_size: 16,
  patch_size: PATCH,
};
