/**
 * @file The keyword arguments of timm's VisionTransformer: those that a name stands for, those of the configuration,
 * and the class' defaults. Each is understood or refused by name.
 */
import { z } from "zod";
import { VitreousError } from "../../onnx/errors.js";
import type { Activation } from "../layers.js";
import { timmArchitecture } from "./architectures.js";
import { count, pairArgument, WITHOUT_EFFECT } from "./arguments.js";
import type { TimmDescription } from "./config.js";

/** Layers as JSON has them: timm's short names, or the names of classes in its table. */
const ACTIVATIONS: Readonly<Record<string, Activation>> = {
  gelu: "gelu",
  gelutanh: "gelu_tanh",
  quickgelu: "quick_gelu",
  silu: "silu",
  swish: "silu",
  relu: "relu",
};

const supportedActivation = z
  .string()
  .refine((name) => bare(name) in ACTIVATIONS, {
    error: `only ${Object.keys(ACTIVATIONS).join(", ")} are supported`,
  })
  .transform((name): Activation => ACTIVATIONS[bare(name)] ?? "gelu");

const bare = (name: string): string => name.replaceAll("_", "").toLowerCase();

/** "LayerNorm:eps=1e-05" or "layernorm" → ε; timm's own default is 1e-6. */
const NORM = /^layernorm(?:fp32)?(?::eps=([\d.e+-]+))?$/;
const supportedNorm = z
  .string()
  .refine((name) => NORM.test(bare(name)), { error: "only LayerNorm is supported" })
  .transform((name) => Number(NORM.exec(bare(name))?.[1] ?? 1e-6));

const only = <T extends string>(...values: readonly [T, ...T[]]) =>
  z.enum(values, { error: `only ${values.map((v) => JSON.stringify(v)).join(", ")} is supported` });

const modelArgs = z.strictObject({
  img_size: pairArgument.optional(),
  patch_size: pairArgument.default([16, 16]),
  in_chans: count.optional(),
  num_classes: z.int().nonnegative().optional(),
  global_pool: z.enum(["", "avg", "avgmax", "max", "token", "map", "prr"]).optional(),
  embed_dim: count.default(768),
  depth: count.default(12),
  num_heads: count.default(12),
  mlp_ratio: z.number().positive().default(4),
  qkv_bias: z.boolean().default(true),
  qk_norm: z.boolean().default(false),
  scale_attn_norm: z.boolean().default(false),
  scale_mlp_norm: z.boolean().default(false),
  proj_bias: z.boolean().default(true),
  init_values: z.number().nullable().default(null),
  class_token: z.boolean().default(true),
  pos_embed: z.enum(["", "none", "learn"]).default("learn"),
  no_embed_class: z.boolean().default(false),
  reg_tokens: z.int().nonnegative().default(0),
  pre_norm: z.boolean().default(false),
  final_norm: z.boolean().default(true),
  fc_norm: z.boolean().nullable().default(null),
  pool_include_prefix: z.boolean().default(false),
  dynamic_img_size: z.boolean().default(false),
  dynamic_img_pad: z.boolean().default(false),
  embed_layer: only("PatchEmbed").default("PatchEmbed"),
  embed_norm_layer: z.null({ error: "a norm after the patch embedding is not supported" }).default(null),
  norm_layer: supportedNorm.nullable().default(null),
  act_layer: supportedActivation.nullable().default(null),
  block_fn: only("Block").default("Block"),
  mlp_layer: only("Mlp", "SwiGLUPacked", "SwiGLU").default("Mlp"),
  attn_layer: only("", "attn", "Attention").default(""),
  ...WITHOUT_EFFECT,
  weight_init: z.string().optional(),
  fix_init: z.boolean().optional(),
});

export type VitArguments = z.output<typeof modelArgs>;

/** Checked, with what the name stands for and the class' defaults filled in. */
export function vitArguments({ architecture, args }: TimmDescription): VitArguments {
  const given: Readonly<Record<string, unknown>> = { ...timmArchitecture(architecture)?.args, ...args };
  const result = modelArgs.safeParse(given);
  if (result.success) return result.data;
  const problems = result.error.issues.map((issue) => {
    if (issue.code === "unrecognized_keys") return `there is no argument ${issue.keys.join(", ")}`;
    const [name = ""] = issue.path;
    return `${String(name)} is ${JSON.stringify(given[String(name)])}: ${issue.message}`;
  });
  throw new VitreousError(
    `${architecture} (timm's VisionTransformer) cannot be built: ${problems.join("; ")}.`,
  );
}
