/**
 * @file What a checkpoint's config.json says: timm's hub layout, checked. Options that could change what the model
 * computes are either understood here or refused; none is dropped in silence.
 */
import { z } from "zod";
import { VitreousError } from "../onnx/errors.js";

const size = z.int().positive();
const sizes = z.union([size, z.tuple([size, size])]);

/** Keyword arguments of timm's VisionTransformer that a checkpoint may override. */
const modelArgs = z.strictObject({
  img_size: sizes.optional(),
  patch_size: sizes.optional(),
  in_chans: size.optional(),
  num_classes: z.int().nonnegative().optional(),
  global_pool: z.string().optional(),
  embed_dim: size.optional(),
  depth: size.optional(),
  num_heads: size.optional(),
  mlp_ratio: z.number().positive().optional(),
  qkv_bias: z.boolean().optional(),
  qk_norm: z.boolean().optional(),
  proj_bias: z.boolean().optional(),
  init_values: z.number().nullable().optional(),
  class_token: z.boolean().optional(),
  pos_embed: z.literal("learn").optional(),
  no_embed_class: z.boolean().optional(),
  reg_tokens: z.int().nonnegative().optional(),
  pre_norm: z.boolean().optional(),
  final_norm: z.boolean().optional(),
  fc_norm: z.boolean().nullable().optional(),
  // These act in training only, or on how images of other sizes are treated.
  drop_rate: z.number().optional(),
  pos_drop_rate: z.number().optional(),
  patch_drop_rate: z.number().optional(),
  proj_drop_rate: z.number().optional(),
  attn_drop_rate: z.number().optional(),
  drop_path_rate: z.number().optional(),
  weight_init: z.string().optional(),
  dynamic_img_size: z.boolean().optional(),
});

const pretrainedCfg = z.looseObject({
  input_size: z.tuple([size, size, size]).optional(),
  interpolation: z.string().optional(),
  crop_pct: z.number().positive().nullable().optional(),
  crop_mode: z.string().optional(),
  mean: z.array(z.number()).optional(),
  std: z.array(z.number()).optional(),
});

const timmConfig = z.looseObject({
  architecture: z.string(),
  num_classes: z.int().nonnegative(),
  global_pool: z.string().optional(),
  model_args: modelArgs.optional(),
  pretrained_cfg: pretrainedCfg.optional(),
  label_names: z.array(z.string()).optional(),
  label_descriptions: z.record(z.string(), z.string()).optional(),
});

export type TimmArguments = z.infer<typeof modelArgs>;

/** A checked config.json of timm's hub layout. */
export type TimmConfig = z.infer<typeof timmConfig>;

/** What a checkpoint says of itself. Other libraries' layouts become members of this union. */
export type CheckpointConfig = { readonly library: "timm" } & TimmConfig;

/**
 * Reads a parsed config.json.
 *
 * @param source what messages call the file
 * @throws VitreousError naming each field that is wrong or not understood
 */
export function readConfig(json: unknown, source = "config.json"): CheckpointConfig {
  if (typeof json === "object" && json !== null && "model_type" in json && !("architecture" in json)) {
    throw new VitreousError(
      `${source} describes a Hugging Face checkpoint (${String(json.model_type)}); only timm's layout is understood. Export the model to ONNX and open the .onnx file instead.`,
    );
  }
  const result = timmConfig.safeParse(json);
  if (!result.success) {
    const problems = result.error.issues.map((i) => `${i.path.join(".") || "the file"}: ${i.message}`);
    throw new VitreousError(`${source} is no timm checkpoint's description: ${problems.join("; ")}.`);
  }
  return { library: "timm", ...result.data };
}

/** Class labels by index, or undefined where the config does not name them. */
export function labelsOf(config: CheckpointConfig): readonly string[] | undefined {
  const { label_names: names, label_descriptions: descriptions = {} } = config;
  if (names === undefined) return undefined;
  if (names.length !== config.num_classes) {
    throw new VitreousError(
      `config.json names ${names.length} labels (label_names) for ${config.num_classes} classes.`,
    );
  }
  return names.map((name) => (Object.hasOwn(descriptions, name) ? (descriptions[name] ?? name) : name));
}
