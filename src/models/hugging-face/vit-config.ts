/**
 * @file config.json of transformers' plain vision transformers, with the library's defaults for what it leaves out: a
 * field that equals its default may be absent, and the defaults differ from one model type to the next.
 */
import { z } from "zod";
import { VitreousError } from "../../onnx/errors.js";
import type { Size } from "../architecture.js";
import type { Activation } from "../layers.js";
import { activationNamed } from "./activation.js";
import type { HuggingFaceDescription } from "./config.js";
import { pairField, positiveInt, readFields } from "./fields.js";

/** Fields of all of them; transformers, configuration_vit.py, configuration_deit.py, … */
const common = {
  hidden_size: positiveInt.default(768),
  num_hidden_layers: positiveInt.default(12),
  num_attention_heads: positiveInt.default(12),
  hidden_act: z.string().default("gelu"),
  image_size: pairField.default([224, 224]),
  num_channels: positiveInt.default(3),
  qkv_bias: z.boolean().default(true),
  num_labels: positiveInt.optional(),
  pruned_heads: z.record(z.string(), z.unknown()).nullish(),
};

const plain = (epsilon: number) =>
  z.looseObject({
    ...common,
    intermediate_size: positiveInt.default(3072),
    layer_norm_eps: z.number().positive().default(epsilon),
    patch_size: pairField.default([16, 16]),
  });

const dinov2 = (patch: number, registers: number) =>
  z.looseObject({
    ...common,
    mlp_ratio: z.number().positive().default(4),
    use_swiglu_ffn: z.boolean().default(false),
    layer_norm_eps: z.number().positive().default(1e-6),
    patch_size: pairField.default([patch, patch]),
    num_register_tokens: z.int().nonnegative().default(registers),
  });

const PLAIN = {
  vit: plain(1e-12),
  deit: plain(1e-12),
  vit_mae: plain(1e-12),
  vit_msn: plain(1e-6),
};
const DINOV2 = { dinov2: dinov2(14, 0), dinov2_with_registers: dinov2(16, 4) };

export type VitModelType = keyof typeof PLAIN | keyof typeof DINOV2;

const isKeyOf = <T extends object>(table: T, key: PropertyKey): key is keyof T => Object.hasOwn(table, key);

export const isVitModelType = (name: string): name is VitModelType =>
  isKeyOf(PLAIN, name) || isKeyOf(DINOV2, name);

export interface VitConfig {
  readonly modelType: VitModelType;
  readonly dim: number;
  readonly depth: number;
  readonly heads: number;
  /** What the second linear layer of the feed-forward part takes. */
  readonly hidden: number;
  readonly gated: boolean;
  readonly activation: Activation;
  readonly epsilon: number;
  readonly image: Size;
  readonly patch: Size;
  readonly channels: number;
  /** Of queries, keys and values. */
  readonly biased: boolean;
  readonly registers: number;
  /** Whether blocks are DINOv2's: other names, and LayerScale. */
  readonly dinov2: boolean;
  readonly labels: number | undefined;
}

/** transformers, modeling_dinov2.py (Dinov2SwiGLUFFN): two thirds of the MLP's, rounded up to a multiple of 8. */
export const dinov2Hidden = (dim: number, mlpRatio: number, gated: boolean): number => {
  const hidden = Math.trunc(dim * mlpRatio);
  return gated ? Math.floor((Math.trunc((hidden * 2) / 3) + 7) / 8) * 8 : hidden;
};

/** What is particular to the kind of block. */
function blockOf(modelType: VitModelType, description: HuggingFaceDescription) {
  if (isKeyOf(PLAIN, modelType)) {
    const c = readFields(description, PLAIN[modelType]);
    return { c, hidden: c.intermediate_size, gated: false, registers: 0, dinov2: false };
  }
  const c = readFields(description, DINOV2[modelType]);
  return {
    c,
    hidden: dinov2Hidden(c.hidden_size, c.mlp_ratio, c.use_swiglu_ffn),
    gated: c.use_swiglu_ffn,
    registers: modelType === "dinov2" ? 0 : c.num_register_tokens,
    dinov2: true,
  };
}

/** @throws VitreousError naming each field that is wrong, contradicts another, or asks for what is not supported */
export function readVitConfig(description: HuggingFaceDescription): VitConfig {
  const { modelType } = description;
  if (!isVitModelType(modelType)) throw new RangeError(`${modelType} is none of these model types`);
  const { c, ...block } = blockOf(modelType, description);
  const refuse = (why: string): never => {
    throw new VitreousError(`config.json: ${why}.`);
  };
  const [dim, heads, image, patch] = [c.hidden_size, c.num_attention_heads, c.image_size, c.patch_size];
  if (dim % heads !== 0) refuse(`hidden_size ${dim} is no multiple of num_attention_heads ${heads}`);
  if (patch[0] > image[0] || patch[1] > image[1])
    refuse(`patch_size ${patch.join("×")} exceeds image_size ${image.join("×")}`);
  if (Object.keys(c.pruned_heads ?? {}).length > 0) refuse("pruned_heads is not supported");
  return {
    modelType,
    dim,
    depth: c.num_hidden_layers,
    heads,
    activation: block.gated ? "silu" : activationNamed(c.hidden_act),
    epsilon: c.layer_norm_eps,
    image,
    patch,
    channels: c.num_channels,
    biased: c.qkv_bias,
    labels: c.num_labels,
    ...block,
  };
}
