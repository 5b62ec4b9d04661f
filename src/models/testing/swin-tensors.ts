/** @file Tensors of tiny Swins under the names that each library gives them, all zeros: for tests of names and options. */
import { elementCount, float32Tensor } from "../../onnx/tensor.js";
import { type StoredTensors, storedTensors } from "../stored-tensor.js";

export interface TinySwin {
  readonly library: "timm" | "hugging-face" | "torchvision";
  readonly second?: boolean;
  readonly window?: number;
  readonly classes?: number;
  /** Microsoft's names of what timm calls otherwise. */
  readonly old?: boolean;
}

type Shapes = Record<string, readonly number[]>;

const linear = (name: string, outputs: number, inputs: number): Shapes => ({
  [`${name}.weight`]: [outputs, inputs],
  [`${name}.bias`]: [outputs],
});
const norm = (name: string, dim: number): Shapes => ({ [`${name}.weight`]: [dim], [`${name}.bias`]: [dim] });

function attentionOf({ library, second, window = 2 }: TinySwin, block: string, dim: number): Shapes {
  const hugging = library === "hugging-face";
  const scope = `${block}.${hugging ? "attention.self" : "attn"}`;
  const heads = dim / 4;
  const mlp = hugging ? "continuous_position_bias_mlp" : "cpb_mlp";
  const bias: Shapes = second
    ? {
        [`${scope}.logit_scale`]: [heads, 1, 1],
        ...linear(`${scope}.${mlp}.0`, 512, 2),
        [`${scope}.${mlp}.2.weight`]: [heads, 512],
      }
    : { [`${scope}.relative_position_bias_table`]: [(2 * window - 1) ** 2, heads] };
  if (hugging) {
    const { [`${scope}.key.bias`]: keyBias = [], ...rest } = {
      ...linear(`${scope}.query`, dim, dim),
      ...linear(`${scope}.key`, dim, dim),
      ...linear(`${scope}.value`, dim, dim),
    };
    const key = second ? {} : { [`${scope}.key.bias`]: keyBias };
    return { ...bias, ...rest, ...key, ...linear(`${block}.attention.output.dense`, dim, dim) };
  }
  const separate = second && library === "timm";
  const qkv: Shapes = separate
    ? { [`${scope}.qkv.weight`]: [3 * dim, dim], [`${scope}.q_bias`]: [dim], [`${scope}.v_bias`]: [dim] }
    : linear(`${scope}.qkv`, 3 * dim, dim);
  return { ...bias, ...qkv, ...linear(`${scope}.proj`, dim, dim) };
}

function blockOf(model: TinySwin, block: string, dim: number): Shapes {
  const [norms, feed] = {
    timm: [
      ["norm1", "norm2"],
      ["mlp.fc1", "mlp.fc2"],
    ],
    torchvision: [
      ["norm1", "norm2"],
      ["mlp.0", "mlp.3"],
    ],
    "hugging-face": [
      ["layernorm_before", "layernorm_after"],
      ["intermediate.dense", "output.dense"],
    ],
  }[model.library] as [[string, string], [string, string]];
  return {
    ...attentionOf(model, block, dim),
    ...norm(`${block}.${norms[0]}`, dim),
    ...norm(`${block}.${norms[1]}`, dim),
    ...linear(`${block}.${feed[0]}`, 4 * dim, dim),
    ...linear(`${block}.${feed[1]}`, dim, 4 * dim),
  };
}

/** Width 4, depths 1 and 2, heads of 4 features, patches of 2×2. */
export function swinShapesOf(model: TinySwin): Shapes {
  const { library, second = false, classes = 3, old = false } = model;
  const prefix = second ? "swinv2." : "swin.";
  const names = {
    timm: {
      patches: ["patch_embed.proj", "patch_embed.norm"],
      block: (stage: number, i: number) => `layers.${stage}.blocks.${i}`,
      merging: `layers.${old ? 0 : 1}.downsample`,
      norm: "norm",
      head: old ? "head" : "head.fc",
    },
    torchvision: {
      patches: ["features.0.0", "features.0.2"],
      block: (stage: number, i: number) => `features.${2 * stage + 1}.${i}`,
      merging: "features.2",
      norm: "norm",
      head: "head",
    },
    "hugging-face": {
      patches: [`${prefix}embeddings.patch_embeddings.projection`, `${prefix}embeddings.norm`],
      block: (stage: number, i: number) => `${prefix}encoder.layers.${stage}.blocks.${i}`,
      merging: `${prefix}encoder.layers.0.downsample`,
      norm: `${prefix}layernorm`,
      head: "classifier",
    },
  }[library];
  const [patches = "", patchNorm = ""] = names.patches;
  return {
    [`${patches}.weight`]: [4, 3, 2, 2],
    [`${patches}.bias`]: [4],
    ...norm(patchNorm, 4),
    ...blockOf(model, names.block(0, 0), 4),
    [`${names.merging}.reduction.weight`]: [8, 16],
    ...norm(`${names.merging}.norm`, second ? 8 : 16),
    ...blockOf(model, names.block(1, 0), 8),
    ...blockOf(model, names.block(1, 1), 8),
    ...norm(names.norm, 8),
    ...(classes > 0 ? linear(names.head, classes, 8) : {}),
  };
}

/** With `changed` shapes; undefined leaves a tensor out. */
export function swinTensors(
  model: TinySwin,
  changed: Readonly<Record<string, readonly number[] | undefined>> = {},
): StoredTensors {
  const all = Object.entries({ ...swinShapesOf(model), ...changed });
  const kept = all.flatMap(([name, dims]) => (dims === undefined ? [] : [[name, dims] as const]));
  return storedTensors(
    new Map(
      kept.map(([name, dims]) => [name, float32Tensor(dims, new Float32Array(elementCount(dims)))] as const),
    ),
  );
}
