/**
 * @file timm's VisionTransformer and VisionTransformerDistilled from their checkpoints: ViT, DeiT, DINO, DINOv2, CLIP's
 * and SigLIP's image towers, with the tensor names of timm and those of the official repositories that timm converts.
 *
 * Source: timm.models.vision_transformer and timm.models.deit.
 */
import { VitreousError } from "../../onnx/errors.js";
import type { Architecture, Plan, PlanOptions, Size } from "../architecture.js";
import type { Description } from "../description.js";
import type { Site } from "../layers.js";
import type { Interpolation } from "../positions.js";
import type { TensorShapes } from "../stored-tensor.js";
import {
  type BlockNames,
  type Feed,
  gridOf,
  type Pooling,
  type Positions,
  type PrefixTokens,
  prefixLength,
  type Vit,
  type VitHead,
  writeVit,
} from "../vit.js";
import { pretrainedOf, timmArchitecture } from "./architectures.js";
import type { TimmDescription } from "./config.js";
import { type VitArguments, vitArguments } from "./vit-arguments.js";
import { recogniseVit } from "./vit-recognise.js";

const CLASSES = ["VisionTransformer", "VisionTransformerDistilled"];

/** All that is known before the graph is written. */
interface Context {
  readonly description: TimmDescription;
  readonly args: VitArguments;
  readonly tensors: TensorShapes;
  readonly distilled: boolean;
  readonly pool: NonNullable<VitArguments["global_pool"]>;
}

function refuse({ architecture }: TimmDescription, why: string): never {
  throw new VitreousError(`${architecture} cannot be built: ${why}.`);
}

function contextOf(description: TimmDescription, tensors: TensorShapes): Context {
  const args = vitArguments(description);
  const distilled = timmArchitecture(description.architecture)?.class === "VisionTransformerDistilled";
  const no = (why: string): never => refuse(description, why);
  // The configuration tells the saved model's pooling beside the arguments it was made with.
  const told = "global_pool" in description.args ? undefined : description.pool;
  const pool = told === undefined ? (args.global_pool ?? "token") : poolNamed(told, no);
  if (pool === "" || pool === "prr") return no(`global_pool ${JSON.stringify(pool)} is not supported`);
  if (pool === "token" && !args.class_token) return no('global_pool "token" needs class_token');
  if (distilled && (pool !== "token" || args.reg_tokens > 0 || args.no_embed_class)) {
    return no("a distilled model has class and distillation tokens with positions, and nothing else");
  }
  if (args.embed_dim % args.num_heads !== 0) {
    return no(`embed_dim ${args.embed_dim} is no multiple of num_heads ${args.num_heads}`);
  }
  return { description, args, tensors, distilled, pool };
}

function poolNamed(name: string, no: (why: string) => never): Context["pool"] {
  const known = (["avg", "avgmax", "max", "token", "map", "prr", ""] as const).find((pool) => pool === name);
  return known ?? no(`global_pool ${JSON.stringify(name)} is not known`);
}

/** The official DINOv2 calls them otherwise, and has positions for its class token only. */
const REGISTERS = ["reg_token", "register_tokens"] as const;

function prefixOf({ args, tensors, distilled }: Context): readonly PrefixTokens[] {
  const official = tensors.has(REGISTERS[1]);
  const positioned = !args.no_embed_class;
  return [
    ...(args.class_token
      ? [{ name: "cls_token", count: 1, positioned: positioned || (official && args.reg_tokens > 0) }]
      : []),
    ...(distilled ? [{ name: "dist_token", count: 1, positioned }] : []),
    ...(args.reg_tokens > 0
      ? [{ name: REGISTERS[official ? 1 : 0], count: args.reg_tokens, positioned: positioned && !official }]
      : []),
  ];
}

/** The size that the model was made for, as timm settles it. */
function statedImage({ description, args }: Context): Size {
  const { input_size, fixed_input_size = true } = pretrainedOf(description).pretrained;
  const prepared: Size | undefined = input_size && [input_size[1], input_size[2]];
  return args.img_size ?? (fixed_input_size ? prepared : undefined) ?? [224, 224];
}

interface Pictures {
  readonly image: Size;
  readonly patch: Size;
  /** Zeros at the bottom and at the right make whole patches. */
  readonly padded: Size;
}

function picturesOf(context: Context, asked: Size | undefined): Pictures {
  const { args, description } = context;
  const patch = args.patch_size;
  const { input_size } = pretrainedOf(description).pretrained;
  const usual: Size | undefined =
    args.dynamic_img_size && input_size ? [input_size[1], input_size[2]] : undefined;
  const image = asked ?? usual ?? statedImage(context);
  const whole = image.every((side, axis) => side % (patch[axis] ?? 1) === 0);
  const pads = args.dynamic_img_size && args.dynamic_img_pad;
  const shown = `images of ${image.join("×")} are no multiple of patches of ${patch.join("×")}`;
  // A model of one size only may be made for such images: it leaves the rest out.
  if (!whole && !pads && (asked !== undefined || args.dynamic_img_size || args.dynamic_img_pad)) {
    return refuse(description, shown);
  }
  const up = (side: number, unit: number): number => Math.ceil(side / unit) * unit;
  const padded: Size = pads ? [up(image[0], patch[0]), up(image[1], patch[1])] : image;
  if (gridOf(padded, patch).includes(0)) {
    return refuse(description, `patches of ${patch.join("×")} exceed images of ${image.join("×")}`);
  }
  return { image, patch, padded };
}

/** The grid that the checkpoint's positions are for: one that its configuration states and that fits, or a square. */
function storedGrid(context: Context, pictures: Pictures, prefix: readonly PrefixTokens[]): Size {
  const { tensors, description } = context;
  const wanted = gridOf(pictures.padded, pictures.patch);
  const stored = tensors.get("pos_embed")?.dims[1];
  // A missing tensor is told with all the others.
  if (stored === undefined) return wanted;
  const rows = stored - prefixLength(prefix.filter((tokens) => tokens.positioned));
  const { input_size } = pretrainedOf(description).pretrained;
  const told = [
    statedImage(context),
    ...(input_size ? [[input_size[1], input_size[2]] as const] : []),
    pictures.padded,
  ];
  const fitting = told.map((size) => gridOf(size, pictures.patch)).find(([h, w]) => h * w === rows);
  if (fitting) return fitting;
  const side = Math.sqrt(rows);
  return Number.isInteger(side) && side > 0 ? [side, side] : wanted;
}

/** How timm resizes positions when it loads weights of this name. */
function interpolationOf({ architecture }: TimmDescription): Interpolation {
  return architecture.includes("flexi") ? "bilinear" : "bicubic-antialias";
}

function feedOf(scope: string, { args, tensors }: Context): Feed {
  const mlp = `${scope}.mlp`;
  const official = tensors.has(`${mlp}.w12.weight`);
  const fc1: Feed["fc1"] = {
    Mlp: `${mlp}.fc1`,
    SwiGLUPacked: { packed: official ? `${mlp}.w12` : `${mlp}.fc1` },
    SwiGLU: { gate: `${mlp}.fc1_g`, value: `${mlp}.fc1_x` },
  }[args.mlp_layer];
  return {
    fc1,
    act: `${mlp}.act`,
    activation: args.act_layer ?? "gelu",
    norm: args.scale_mlp_norm ? `${mlp}.norm` : undefined,
    fc2: official ? `${mlp}.w3` : `${mlp}.fc2`,
  };
}

function blockOf(scope: string, context: Context): BlockNames {
  const { args, tensors } = context;
  const attn = `${scope}.attn`;
  /** The official DeiT III keeps LayerScale's vectors in the block itself. */
  const scale = (n: 1 | 2): string | undefined => {
    if (!args.init_values) return undefined;
    return tensors.has(`${scope}.gamma_${n}`) ? `${scope}.gamma_${n}` : `${scope}.ls${n}.gamma`;
  };
  return {
    scope,
    norm1: `${scope}.norm1`,
    attention: {
      scope: attn,
      qkv: `${attn}.qkv`,
      proj: `${attn}.proj`,
      ...(args.qk_norm ? { queryNorm: `${attn}.q_norm`, keyNorm: `${attn}.k_norm` } : {}),
      ...(args.scale_attn_norm ? { norm: `${attn}.norm` } : {}),
    },
    scale1: scale(1),
    norm2: `${scope}.norm2`,
    feed: feedOf(scope, context),
    scale2: scale(2),
  };
}

function poolingOf({ args, pool, distilled }: Context, classifies: boolean, prefix: number): Pooling {
  const from = args.pool_include_prefix ? 0 : prefix;
  if (distilled && !classifies) return { kind: "mean", from: 0, to: 2 };
  switch (pool) {
    case "avg":
      return { kind: "mean", from };
    case "max":
      return { kind: "max", from };
    case "avgmax":
      return { kind: "mean-max", from };
    case "map": {
      const hidden = Math.trunc(args.embed_dim * args.mlp_ratio);
      const activation = args.act_layer ?? "gelu";
      return {
        kind: "attention",
        from,
        pool: { module: "attn_pool", heads: args.num_heads, hidden, activation },
      };
    }
    default:
      return { kind: "token" };
  }
}

/** Whether the norm comes after pooling. Where arguments leave it open, models changed after their making are told by their tensors. */
function normsAfterPooling({ args, tensors, pool }: Context): boolean {
  if (args.fc_norm !== null) return args.fc_norm;
  if (tensors.has("fc_norm.weight") !== tensors.has("norm.weight")) return tensors.has("fc_norm.weight");
  return pool === "avg" || pool === "avgmax" || pool === "max";
}

function headOf(context: Context, prefix: number): VitHead {
  const { args, description, tensors, distilled } = context;
  const { num_classes: usual = 1000 } = pretrainedOf(description).pretrained;
  const stated = args.num_classes ?? description.classes ?? usual;
  const headless = !tensors.has("head.weight") && !tensors.has("head_dist.weight");
  const classes = headless ? 0 : stated;
  const heads: VitHead["classifiers"] = distilled ? ["head", "head_dist"] : ["head"];
  return {
    pooling: poolingOf(context, classes > 0, prefix),
    scope: "pool",
    fcNorm: args.final_norm && !distilled && normsAfterPooling(context) ? "fc_norm" : undefined,
    classifiers: classes > 0 ? heads : [],
    classes,
  };
}

/** What the configuration has is demanded of the checkpoint: nothing is left out because a tensor is missing. */
function demanding({ graph, weights }: Site, { qkv_bias, proj_bias, pre_norm }: VitArguments): Site {
  const has = (name: string): boolean => {
    if (!name.endsWith(".bias")) return true;
    if (name.startsWith("patch_embed.")) return !pre_norm;
    if (!name.startsWith("blocks.")) return true;
    if (name.endsWith(".attn.qkv.bias")) return qkv_bias;
    return proj_bias || !/\.(?:attn\.proj|mlp\.(?:fc1|fc1_[gx]|fc2|w12|w3))\.bias$/.test(name);
  };
  return { graph, weights: { ...weights, has } };
}

/** Heads of self-supervised training, which classify nothing. */
const PROJECTION = /^(?:head|dino_head|ibot_head)\.(?:mlp|last_layer|prototypes)\b/;

function plan(description: Description, tensors: TensorShapes, options: PlanOptions): Plan {
  if (description.library !== "timm") throw new RangeError("only timm's descriptions are accepted");
  const context = contextOf(description, tensors);
  const { args } = context;
  const pictures = picturesOf(context, options.image);
  const prefix = prefixOf(context);
  const { pretrained, note } = pretrainedOf(description);
  const channels = args.in_chans ?? pretrained.input_size?.[0] ?? 3;
  const grid = storedGrid(context, pictures, prefix);
  const wanted = gridOf(pictures.padded, pictures.patch);
  const positions: Positions | undefined =
    args.pos_embed === "learn"
      ? { name: "pos_embed", grid, interpolation: interpolationOf(description) }
      : undefined;
  const moved = positions !== undefined && grid.join() !== wanted.join();
  if (moved && description.architecture.includes("radio")) {
    return refuse(description, "RADIO's positions on another grid than the checkpoint's are not supported");
  }
  const hidden = Math.trunc(args.embed_dim * args.mlp_ratio);
  if (args.mlp_layer === "SwiGLUPacked" && hidden % 2 !== 0) {
    return refuse(description, `SwiGLUPacked halves its hidden features, but they are ${hidden}`);
  }
  const head = headOf(context, prefixLength(prefix));
  const vit: Vit = {
    dim: args.embed_dim,
    depth: args.depth,
    heads: args.num_heads,
    hidden: args.mlp_layer === "SwiGLUPacked" ? hidden / 2 : hidden,
    channels,
    image: pictures.padded,
    patch: pictures.patch,
    epsilon: args.norm_layer ?? 1e-6,
    patches: "patch_embed.proj",
    prefix,
    positions,
    normPre: args.pre_norm ? "norm_pre" : undefined,
    block: (index) => blockOf(`blocks.${index}`, context),
    norm: args.final_norm && head.fcNorm === undefined ? "norm" : undefined,
    head,
  };
  const projection = head.classes === 0 && [...tensors.keys()].some((name) => PROJECTION.test(name));
  const notes = [
    ...(note === undefined ? [] : [note]),
    ...(moved
      ? [`Position embeddings for ${grid.join("×")} patches were interpolated to ${wanted.join("×")}.`]
      : []),
    ...(projection ? ["The projection head of self-supervised training is left out."] : []),
  ];
  const write = (site: Site, pixels: string): string => {
    site.weights.leave((name) => name === "mask_token" || (projection && PROJECTION.test(name)));
    // timm does without SigLIP's attention pooling where another is asked for.
    if (context.pool !== "map" && description.architecture.includes("siglip")) {
      site.weights.leave((name) => name.startsWith("attn_pool."));
    }
    return writeVit(demanding(site, args), pad(site, pixels, pictures), vit);
  };
  const shown = { ...pretrained, input_size: [channels, ...pictures.image] };
  return {
    input: [channels, ...pictures.image],
    classes: head.classes,
    write,
    preprocessing: { pretrained_cfg: shown },
    notes,
  };
}

function pad({ graph }: Site, pixels: string, { image, padded }: Pictures): string {
  if (image.join() === padded.join()) return pixels;
  const pads = [0, 0, 0, 0, 0, 0, padded[0] - image[0], padded[1] - image[1]];
  return graph.add("Pad", [pixels, graph.ints(pads)], {}, { scope: "patch_embed", hint: "patch_embed.Pad" });
}

export const timmVit: Architecture = {
  name: "timm's VisionTransformer (vit_base_patch16_224, deit_small_distilled_patch16_224, vit_small_patch14_reg4_dinov2, …)",
  accepts: (description) =>
    description.library === "timm" &&
    CLASSES.includes(timmArchitecture(description.architecture)?.class ?? ""),
  plan,
  recognise: recogniseVit,
};
