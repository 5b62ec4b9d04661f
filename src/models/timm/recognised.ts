/** @file What the tensors of timm's BEiT and Eva say alike of a model whose configuration is lost. */
import type { Stated } from "../stated.js";
import type { TensorShapes } from "../stored-tensor.js";

/** Width, depth, patches, channels, classes. */
export function modelShapes(shapes: TensorShapes): {
  readonly dim: number;
  readonly stated: readonly Stated[];
} {
  const [dim = 0, channels = 0, ...patch] = shapes.get("patch_embed.proj.weight")?.dims ?? [];
  let depth = 0;
  while (shapes.has(`blocks.${depth}.norm1.weight`)) depth++;
  const head = shapes.get("head.weight");
  const from = "the shape of patch_embed.proj.weight";
  return {
    dim,
    stated: [
      ["embed_dim", dim, from],
      ["in_chans", channels, from],
      ["patch_size", patch, from],
      ["depth", depth, "the number of blocks"],
      head === undefined
        ? ["num_classes", 0, "the names of tensors: there is no head"]
        : ["num_classes", head.dims[0], "the shape of head.weight"],
    ],
  };
}
