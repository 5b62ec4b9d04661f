/**
 * @file A state dict of transformers' DINOv3 without its config.json. How many heads it has no tensor says; the image size is free,
 * since positions are made for any grid.
 */
import type { Spec } from "../../spec.js";
import type { Recognised } from "../architecture.js";
import type { Stated } from "../stated.js";
import type { TensorShapes } from "../stored-tensor.js";
import { depthOf, described, patchFields } from "./recognised.js";

const DEFAULT = "the default of dinov3_vit";

/** transformers' default number of heads, and the width that it is for. */
const USUAL = { heads: 6, dim: 384 };

/** See `Architecture.recognise`. */
export function recogniseDinov3(tensors: TensorShapes, arch: Spec | undefined): Recognised | undefined {
  const has = (name: string): boolean => tensors.has(name);
  const path = has("model.layer.0.norm1.weight") ? "model.layer." : "layer.";
  const block = (name: string): boolean => has(`${path}0.${name}`);
  const projection = "embeddings.patch_embeddings.weight";
  if (!has(projection) || !block("norm1.weight") || !block("attention.q_proj.weight")) return undefined;
  if (!block("layer_scale1.lambda1")) return undefined;
  const [dim] = tensors.get(projection)?.dims ?? [];
  const names = "the names of tensors";
  const found: readonly Stated[] = [
    ...patchFields(tensors, projection),
    ["num_hidden_layers", depthOf(tensors, path), `the names ${path}…`],
    ["num_attention_heads", arch !== undefined && dim === USUAL.dim ? USUAL.heads : undefined, DEFAULT],
    [
      "intermediate_size",
      tensors.get(`${path}0.mlp.up_proj.weight`)?.dims[0],
      "the shape of the first block's up_proj",
    ],
    [
      "num_register_tokens",
      tensors.get("embeddings.register_tokens")?.dims[1] ?? 0,
      "the shape of embeddings.register_tokens",
    ],
    ["use_gated_mlp", block("mlp.gate_proj.weight"), names],
    ["query_bias", block("attention.q_proj.bias"), names],
    ["key_bias", block("attention.k_proj.bias"), names],
    ["value_bias", block("attention.v_proj.bias"), names],
    ["proj_bias", block("attention.o_proj.bias"), names],
    ["mlp_bias", block("mlp.up_proj.bias"), names],
    ["image_size", 224, DEFAULT],
    ["hidden_act", block("mlp.gate_proj.weight") ? "silu" : "gelu", "Meta's own models"],
    ["rope_theta", 100, DEFAULT],
    ["layer_norm_eps", 1e-5, DEFAULT],
  ];
  return described("dinov3_vit", "DINOv3ViTModel", found, arch);
}
