/**
 * @file timm's VisionTransformer and VisionTransformerDistilled from their checkpoints: ViT, DeiT, DINO, DINOv2, CLIP's
 * and SigLIP's image towers, with the tensor names of timm and those of the official repositories that timm converts.
 *
 * Source: timm.models.vision_transformer and timm.models.deit.
 */
import type { Architecture, Plan, PlanOptions } from "../architecture.js";
import type { Description } from "../description.js";
import type { Site } from "../layers.js";
import type { Interpolation } from "../positions.js";
import type { TensorShapes } from "../stored-tensor.js";
import {
  gridOf,
  type Pooling,
  type Positions,
  prefixLength,
  type Vit,
  type VitHead,
  withFeatures,
  writeVit,
} from "../vit.js";
import { timmArchitecture } from "./architectures.js";
import { classesOf, ownInput, statedBy } from "./arguments.js";
import type { TimmDescription } from "./config.js";
import type { VitArguments } from "./vit-arguments.js";
import { type Context, contextOf, refuse } from "./vit-context.js";
import { blockOf, prefixOf } from "./vit-names.js";
import { pad, picturesOf, storedGrid } from "./vit-pictures.js";
import { recogniseVit } from "./vit-recognise.js";

const CLASSES = ["VisionTransformer", "VisionTransformerDistilled"];

/** How timm resizes positions when it loads weights of this name. */
function interpolationOf({ architecture }: TimmDescription): Interpolation {
  return architecture.includes("flexi") ? "bilinear" : "bicubic-antialias";
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

/** Whether the norm comes after pooling. A model whose pooling was changed after its making kept its norm where it was. */
function normsAfterPooling({ args, tensors, pool, pooledLater }: Context): boolean {
  if (args.fc_norm !== null) return args.fc_norm;
  const after = tensors.has("fc_norm.weight");
  if (pooledLater && after !== tensors.has("norm.weight")) return after;
  return pool === "avg" || pool === "avgmax" || pool === "max";
}

const CLASSIFIER = /^head(?:_dist)?\.(?:weight|bias)$/;

function headOf(context: Context, prefix: number): VitHead {
  const { args, description, tensors, distilled } = context;
  // A configuration that states its classes promises a classifier: one that is missing is told as such.
  const headless =
    (description.classes ?? 0) === 0 && ![...tensors.keys()].some((name) => CLASSIFIER.test(name));
  const classes = headless ? 0 : classesOf(description, args.num_classes);
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
  const { channels } = ownInput(description, args);
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
  const head = withFeatures(headOf(context, prefixLength(prefix)), options.features, prefix);
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
  const unclassified = head.classes === 0 && classesOf(description, args.num_classes) > 0;
  const notes = [
    moved && `Position embeddings for ${grid.join("×")} patches were interpolated to ${wanted.join("×")}.`,
    unclassified && "The checkpoint has no classifier: the model gives features.",
    projection && "The projection head of self-supervised training is left out.",
  ];
  const write = (site: Site, pixels: string): string => {
    site.weights.leave((name) => name === "mask_token" || (projection && PROJECTION.test(name)));
    // timm does without SigLIP's attention pooling where another is asked for.
    if (context.pool !== "map" && description.architecture.includes("siglip")) {
      site.weights.leave((name) => name.startsWith("attn_pool."));
    }
    return writeVit(demanding(site, args), pad(site, pixels, pictures), vit);
  };
  const input = [channels, ...pictures.image] as const;
  // Padding in front of the network is not part of it.
  const whole = pictures.image.join() === pictures.padded.join();
  return {
    input,
    classes: head.classes,
    write,
    ...(whole ? { network: { kind: "vit", vit, stored: (name: string) => name } } : {}),
    ...statedBy(description, input, notes),
  };
}

export const timmVit: Architecture = {
  name: "timm's VisionTransformer (vit_base_patch16_224, deit_small_distilled_patch16_224, vit_small_patch14_reg4_dinov2, …)",
  accepts: (description) =>
    description.library === "timm" &&
    CLASSES.includes(timmArchitecture(description.architecture)?.class ?? ""),
  plan,
  recognise: recogniseVit,
};
