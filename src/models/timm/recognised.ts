/** @file What the tensors of timm's BEiT and Eva say alike of a model whose configuration is lost. */
import type { TensorShapes } from "../stored-tensor.js";

/** An argument's name, its value, and where that is from. */
export type Stated = readonly [name: string, value: unknown, from: string];

/** A value of an argument in a message. */
export const inWords = (value: unknown): string => (Array.isArray(value) ? value.join("x") : String(value));

/** Width, depth, patches, channels, classes. */
export function modelShapes(shapes: TensorShapes): {
  readonly dim: number;
  readonly stated: readonly Stated[];
} {
  const [dim = 0, channels = 0, ...patch] = shapes.get("patch_embed.proj.weight")?.dims ?? [];
  let depth = 0;
  while (shapes.has(`blocks.${depth}.norm1.weight`)) depth++;
  const from = "the shape of patch_embed.proj.weight";
  return {
    dim,
    stated: [
      ["embed_dim", dim, from],
      ["in_chans", channels, from],
      ["patch_size", patch, from],
      ["depth", depth, "the number of blocks"],
      ["num_classes", shapes.get("head.weight")?.dims[0] ?? 0, "the shape of head.weight"],
    ],
  };
}
