/**
 * @file timm's Eva: the class behind EVA, EVA-02 (Fang et al. 2023), DINOv3 (Siméoni et al. 2025) and ViTs with rotary
 * positions (Heo et al. 2024), for all of which it has an argument.
 *
 * Source: timm.models.eva.
 */
import { VitreousError } from "../../onnx/errors.js";
import type { Architecture, Plan, PlanOptions, Size } from "../architecture.js";
import type { AttentionNames } from "../attention.js";
import type { Description } from "../description.js";
import { type Site, withBiases } from "../layers.js";
import { renamed } from "../renamed.js";
import type { TensorShapes } from "../stored-tensor.js";
import {
  type BlockNames,
  type Feed,
  gridOf,
  type PrefixTokens,
  prefixLength,
  type Vit,
  writeVit,
} from "../vit.js";
import { withFeatures } from "../vit-head.js";
import { timmArchitecture } from "./architectures.js";
import { classesOf, ownInput, statedBy, WITHOUT_CLASSIFIER } from "./arguments.js";
import type { TimmDescription } from "./config.js";
import { type EvaArguments, evaArguments } from "./eva-arguments.js";
import { evaNames, isUnusedByEva } from "./eva-names.js";
import { recogniseEva } from "./eva-recognise.js";
import { rotaryAttention } from "./eva-rotary.js";

function attentionNames(scope: string, args: EvaArguments, joint: boolean): AttentionNames {
  const { qkv_bias: biased, attn_type, qkv_fused, qk_norm, scale_attn_inner } = args;
  const names: AttentionNames = {
    scope,
    qkv: qkv_fused ? `${scope}.qkv` : [`${scope}.q_proj`, `${scope}.k_proj`, `${scope}.v_proj`],
    proj: `${scope}.proj`,
    ...(qk_norm ? { queryNorm: `${scope}.q_norm`, keyNorm: `${scope}.k_norm` } : {}),
    ...(scale_attn_inner ? { norm: `${scope}.norm` } : {}),
  };
  if (!qkv_fused || attn_type === "rope") return names;
  if (joint && biased) return { ...names, biases: [`${scope}.qkv.bias`], unbiasedKeys: true };
  const biases = biased ? [`${scope}.q_bias`, undefined, `${scope}.v_bias`] : [undefined];
  return { ...names, biases };
}

function feedNames(scope: string, { swiglu_mlp, swiglu_align_to, scale_mlp }: EvaArguments): Feed {
  const apart = { gate: `${scope}.fc1_g`, value: `${scope}.fc1_x` };
  const packed = { packed: `${scope}.fc1` };
  const gated = scale_mlp || swiglu_align_to > 0 ? apart : packed;
  return {
    fc1: swiglu_mlp ? gated : `${scope}.fc1`,
    act: `${scope}.act`,
    activation: swiglu_mlp ? "silu" : "gelu",
    norm: scale_mlp ? `${scope}.norm` : undefined,
    fc2: `${scope}.fc2`,
  };
}

/** @param joint whether the checkpoint keeps q/k/v biases together (DINOv3's own) */
function blockNames(scope: string, args: EvaArguments, joint: boolean): BlockNames {
  const scaled = args.init_values !== undefined && args.init_values !== null;
  return {
    scope,
    norm1: `${scope}.norm1`,
    attention: attentionNames(`${scope}.attn`, args, joint),
    scale1: scaled ? `${scope}.gamma_1` : undefined,
    norm2: `${scope}.norm2`,
    feed: feedNames(`${scope}.mlp`, args),
    scale2: scaled && !args.attn_only_layer_scale ? `${scope}.gamma_2` : undefined,
  };
}

/** Whether the module has a bias beside its weight. */
function isBiased(module: string, args: EvaArguments): boolean {
  switch (module.split(".").slice(-2).join(".")) {
    case "attn.q_proj":
    case "attn.v_proj":
      return args.qkv_bias;
    case "attn.qkv":
    case "attn.k_proj":
      return args.qkv_bias && args.attn_type === "rope";
    case "patch_embed.proj":
      return !args.use_pre_transformer_norm;
    default:
      return true;
  }
}

/** What a SwiGLU kept in three layers is padded to. */
function hiddenOf({ embed_dim, mlp_ratio, swiglu_mlp, swiglu_align_to: align }: EvaArguments): number {
  const hidden = Math.trunc(embed_dim * mlp_ratio);
  return swiglu_mlp && align > 0 ? Math.ceil(hidden / align) * align : hidden;
}

/** The grid of a position embedding: that of the model's own images, or a square one. */
function gridOfPositions(rows: number | undefined, own: Size, positioned: number): Size {
  const patches = (rows ?? 0) - positioned;
  const side = Math.round(Math.sqrt(Math.max(patches, 0)));
  return patches === own[0] * own[1] || side * side !== patches || side === 0 ? own : [side, side];
}

function headOf(args: EvaArguments, prefix: number, classes: number): Vit["head"] {
  const { pool } = args;
  const kinds = { avg: "mean", max: "max", avgmax: "mean-max" } as const;
  return {
    pooling: pool === "token" ? { kind: "token" } : { kind: kinds[pool], from: prefix },
    scope: "pool",
    fcNorm: (args.use_fc_norm ?? pool === "avg") ? "fc_norm" : undefined,
    classifiers: classes > 0 ? ["head"] : [],
    classes,
  };
}

function plan(description: Description, tensors: TensorShapes, options: PlanOptions): Plan {
  if (description.library !== "timm") throw new RangeError("only timm's descriptions are accepted");
  const args = evaArguments(description);
  const { patch_size: patch, embed_dim: dim, no_embed_class } = args;
  const { image: own, channels } = ownInput(description, args);
  const image = options.image ?? own;
  const grid = gridOf(image, patch);
  const whole = grid.every((length, axis) => length * (patch[axis] ?? 1) === image[axis]);
  if (grid[0] * grid[1] === 0 || (args.dynamic_img_size && !whole)) {
    throw new VitreousError(
      `${description.architecture}: images of ${image.join("×")} are no whole patches of ${patch.join("×")}.`,
    );
  }
  const stored = evaNames(tensors);
  const prefix: PrefixTokens[] = [
    ...(args.class_token ? [{ name: "cls_token", count: 1, positioned: !no_embed_class }] : []),
    ...(args.num_reg_tokens > 0
      ? [{ name: "reg_token", count: args.num_reg_tokens, positioned: !no_embed_class }]
      : []),
  ];
  const before = prefixLength(prefix);
  const rows = tensors.get(stored("pos_embed"))?.dims[1];
  const classes = classesOf(description, args.num_classes);
  const head = withFeatures(headOf(args, before, classes), options.features, prefix);
  const joint = tensors.has("blocks.0.attn.qkv.bias") && args.attn_type === "eva";
  const vit: Vit = {
    dim,
    depth: args.depth,
    heads: args.num_heads,
    hidden: hiddenOf(args),
    channels,
    image,
    patch,
    epsilon: args.epsilon,
    patches: "patch_embed.proj",
    prefix,
    positions: args.use_abs_pos_emb
      ? {
          name: "pos_embed",
          grid: gridOfPositions(rows, gridOf(own, patch), no_embed_class ? 0 : before),
          interpolation: "bicubic-antialias",
        }
      : undefined,
    normPre: args.use_pre_transformer_norm ? "norm_pre" : undefined,
    block: (index) => blockNames(`blocks.${index}`, args, joint),
    norm: (args.use_post_transformer_norm ?? head.fcNorm === undefined) ? "norm" : undefined,
    head,
  };
  const write = (plain: Site, pixels: string): string => {
    plain.weights.leave((name) => isUnusedByEva(name, tensors, args.qkv_bias));
    const site = withBiases(renamed(plain, stored), (module) => isBiased(module, args));
    return writeVit(site, pixels, { ...vit, attend: rotaryAttention(site, args, grid, before) });
  };
  const positions = vit.positions?.grid;
  const moved = positions !== undefined && positions.join() !== grid.join();
  const note =
    moved && `Position embeddings for ${positions.join("×")} patches were interpolated to ${grid.join("×")}.`;
  const input = [channels, ...image] as const;
  return {
    input,
    classes: head.classes,
    write,
    ...statedBy(description, input, [
      note,
      classes === 0 && options.features === undefined && WITHOUT_CLASSIFIER,
    ]),
  };
}

const isEva = ({ architecture }: TimmDescription): boolean => timmArchitecture(architecture)?.class === "Eva";

export const timmEva: Architecture = {
  name: "timm's EVA, DINOv3 and ViT with rotary positions (vit_small_patch16_dinov3, eva02_base_patch14_224, …)",
  accepts: (description) => description.library === "timm" && isEva(description),
  plan,
  recognise: recogniseEva,
};
