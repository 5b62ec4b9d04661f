/** @file Keyword arguments of timm's Eva, with the class' defaults, and those refused that no graph can be written for. */
import { z } from "zod";
import { VitreousError } from "../../onnx/errors.js";
import { count, pairArgument, readArguments, WITHOUT_EFFECT } from "./arguments.js";
import type { TimmDescription } from "./config.js";

const schema = z.strictObject({
  img_size: pairArgument.optional(),
  patch_size: pairArgument.default([16, 16]),
  in_chans: count.optional(),
  num_classes: z.int().nonnegative().optional(),
  global_pool: z.string().optional(),
  embed_dim: count.default(768),
  depth: count.default(12),
  num_heads: count.default(12),
  num_kv_heads: z.union([count, z.array(count)]).nullish(),
  qkv_bias: z.boolean().default(true),
  qkv_fused: z.boolean().default(true),
  qk_norm: z.boolean().default(false),
  mlp_ratio: z.number().positive().default(4),
  swiglu_mlp: z.boolean().default(false),
  swiglu_align_to: z.int().nonnegative().default(0),
  scale_mlp: z.boolean().default(false),
  scale_attn_inner: z.boolean().default(false),
  attn_type: z.enum(["eva", "rope"]).default("eva"),
  norm_layer: z.string().default("LayerNorm"),
  init_values: z.number().nullish(),
  attn_only_layer_scale: z.boolean().default(false),
  class_token: z.boolean().default(true),
  num_reg_tokens: z.int().nonnegative().default(0),
  no_embed_class: z.boolean().default(false),
  use_abs_pos_emb: z.boolean().default(true),
  use_rot_pos_emb: z.boolean().default(false),
  rope_type: z.string().nullable().default("cat"),
  rope_grid_offset: z.number().default(0),
  rope_grid_indexing: z.enum(["ij", "xy"]).default("ij"),
  rope_temperature: z.number().positive().default(10000),
  rope_rotate_half: z.boolean().default(false),
  rope_shift_coords: z.number().nullish(),
  rope_jitter_coords: z.number().nullish(),
  rope_rescale_coords: z.number().nullish(),
  rope_mrope_section: z.unknown().optional(),
  use_post_norm: z.boolean().default(false),
  use_pre_transformer_norm: z.boolean().default(false),
  use_post_transformer_norm: z.boolean().nullish(),
  use_fc_norm: z.boolean().nullish(),
  attn_pool_num_heads: count.nullish(),
  attn_pool_mlp_ratio: z.number().nullish(),
  dynamic_img_size: z.boolean().default(false),
  dynamic_img_pad: z.boolean().default(false),
  ref_feat_shape: pairArgument.nullish(),
  ...WITHOUT_EFFECT,
});

const POOLS = ["avg", "avgmax", "max", "token"] as const;
const ROPES = ["cat", "mixed", "dinov3"] as const;

/** timm's LayerNorm. */
const DEFAULT_EPSILON = 1e-6;

export type EvaArguments = ReturnType<typeof evaArguments>;

const among = <T extends string>(value: string | null, allowed: readonly T[]): T | undefined =>
  allowed.find((known) => known === value);

/** @throws VitreousError naming each argument that is wrong, unknown, or not supported */
export function evaArguments(description: TimmDescription) {
  const args = readArguments(description, schema);
  const refuse = (why: string): never => {
    throw new VitreousError(`${description.architecture}: ${why}.`);
  };
  const pool = args.global_pool ?? description.pool ?? "avg";
  const rope = args.use_rot_pos_emb ? args.rope_type : undefined;
  const kind = rope === undefined ? undefined : among(rope, ROPES);
  const [, epsilon] =
    /^LayerNorm(?::eps=(.+))?$/.exec(args.norm_layer) ??
    refuse(`norm_layer ${args.norm_layer} is not supported, only LayerNorm`);
  const { embed_dim: dim, num_heads: heads, num_kv_heads: shared } = args;
  if (dim % heads !== 0) refuse(`embed_dim ${dim} is no multiple of num_heads ${heads}`);
  if (rope !== undefined && kind === undefined)
    refuse(`rope_type "${rope}" is not supported, only ${ROPES.map((r) => `"${r}"`).join(", ")}`);
  if (kind !== undefined && (dim / heads) % 4 !== 0)
    refuse(`rotary positions need heads of a multiple of 4 features, not ${dim / heads}`);
  if (kind === "mixed" && args.rope_rotate_half) refuse('rope_type "mixed" has no rope_rotate_half');
  if (kind !== undefined && args.qk_norm && !args.rope_rotate_half)
    refuse("qk_norm is supported with rope_rotate_half only");
  if ([shared ?? heads].flat().some((count) => count !== heads))
    refuse("grouped-query attention (num_kv_heads) is not supported");
  if (args.use_post_norm) refuse("norms behind attention and MLP (use_post_norm) are not supported");
  if (args.dynamic_img_pad) refuse("dynamic_img_pad is not supported");
  if (pool === "token" && !args.class_token) refuse('global_pool "token" needs class_token');
  return {
    ...args,
    pool:
      among(pool, POOLS) ??
      refuse(`global_pool "${pool}" is not supported, only ${POOLS.map((p) => `"${p}"`).join(", ")}`),
    rope: kind,
    epsilon: epsilon === undefined ? DEFAULT_EPSILON : Number(epsilon),
  };
}
