/**
 * @file timm's VisionTransformer (Dosovitskiy et al. 2021, and DeiT without distillation) from its checkpoint: class
 * token or mean pooling, register tokens, LayerScale, q/k-norm, a norm in front of the blocks.
 */
import { z } from "zod";
import { VitreousError } from "../../onnx/errors.js";
import type { Architecture, Plan } from "../architecture.js";
import { attention } from "../attention.js";
import type { Description } from "../description.js";
import {
  classifier,
  int,
  layer,
  layerNorm,
  layerScale,
  mlp,
  parameter,
  patchEmbedding,
  prepend,
  type Site,
} from "../layers.js";
import type { TimmDescription } from "./config.js";

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

function readArguments({ args }: TimmDescription): z.infer<typeof modelArgs> {
  const result = modelArgs.safeParse(args);
  if (result.success) return result.data;
  const problems = result.error.issues.map((i) => `${["model_args", ...i.path].join(".")}: ${i.message}`);
  throw new VitreousError(`config.json: ${problems.join("; ")}.`);
}

interface Size {
  readonly dim: number;
  readonly depth: number;
  readonly heads: number;
}

/** timm's names for the sizes; `model_args` overrides any of them. */
const SIZES: Readonly<Record<string, Size>> = {
  tiny: { dim: 192, depth: 12, heads: 3 },
  small: { dim: 384, depth: 12, heads: 6 },
  base: { dim: 768, depth: 12, heads: 12 },
  large: { dim: 1024, depth: 24, heads: 16 },
  huge: { dim: 1280, depth: 32, heads: 16 },
};

const NAME = /^(?:vit|deit)_(tiny|small|base|large|huge)_patch(\d+)_(\d+)$/;

/** timm's default for this model; not in its config. */
const EPSILON = 1e-6;

interface VitShape extends Size {
  readonly channels: number;
  readonly image: readonly [number, number];
  readonly patch: readonly [number, number];
  readonly hidden: number;
  readonly classToken: boolean;
  readonly registers: number;
  /** The position embedding has no rows for class and register tokens. */
  readonly positionsOfPatchesOnly: boolean;
  readonly pool: "token" | "avg";
  readonly classes: number;
}

const pair = (value: number | readonly [number, number]): readonly [number, number] =>
  typeof value === "number" ? [value, value] : value;

function shapeOf(config: TimmDescription): VitShape {
  const [, sizeName = "", patchName = "", imageName = ""] = NAME.exec(config.architecture) ?? [];
  const args = readArguments(config);
  const [dim0, depth0, heads0] = [
    SIZES[sizeName]?.dim ?? 0,
    SIZES[sizeName]?.depth ?? 0,
    SIZES[sizeName]?.heads ?? 0,
  ];
  const [channels, ...input] = config.pretrained?.input_size ?? [3, Number(imageName), Number(imageName)];
  const refuse = (why: string): never => {
    throw new VitreousError(`config.json: ${why}.`);
  };
  const pool = args.global_pool ?? config.pool ?? "token";
  if (pool !== "token" && pool !== "avg")
    return refuse(`global_pool "${pool}" is not supported, only "token" and "avg"`);
  const classToken = args.class_token ?? true;
  if (pool === "token" && !classToken) return refuse('global_pool "token" needs class_token');
  const dim = args.embed_dim ?? dim0;
  const heads = args.num_heads ?? heads0;
  if (dim % heads !== 0) return refuse(`embed_dim ${dim} is no multiple of num_heads ${heads}`);
  const image = pair(args.img_size ?? input);
  const patch = pair(args.patch_size ?? Number(patchName));
  if (patch[0] > image[0] || patch[1] > image[1])
    return refuse(`patches of ${patch.join("×")} exceed images of ${image.join("×")}`);
  return {
    dim,
    heads,
    depth: args.depth ?? depth0,
    channels: args.in_chans ?? channels,
    image,
    patch,
    hidden: Math.trunc(dim * (args.mlp_ratio ?? 4)),
    classToken,
    registers: args.reg_tokens ?? 0,
    positionsOfPatchesOnly: args.no_embed_class ?? false,
    pool,
    classes: config.classes ?? 1000,
  };
}

function embed(site: Site, pixels: string, shape: VitShape, patches: number, prefix: number): string {
  const { channels, patch, dim, classToken, registers, positionsOfPatchesOnly } = shape;
  const patched = patchEmbedding(site, "patch_embed.proj", pixels, { channels, patch, dim, patches });
  const tokens = [
    ...(classToken ? [parameter(site, "cls_token", [1, 1, dim])] : []),
    ...(registers > 0 ? [parameter(site, "reg_token", [1, registers, dim])] : []),
  ];
  const positions = (x: string, count: number) =>
    layer(site, "pos_embed", "Add", [x, parameter(site, "pos_embed", [1, count, dim])]);
  if (positionsOfPatchesOnly) return prepend(site, "cls_token", tokens, positions(patched, patches), dim);
  return positions(prepend(site, "cls_token", tokens, patched, dim), patches + prefix);
}

function block(site: Site, scope: string, x: string, shape: VitShape, tokens: number): string {
  const { dim, heads, hidden } = shape;
  const normed = layerNorm(site, `${scope}.norm1`, x, dim, EPSILON);
  const names = {
    scope: `${scope}.attn`,
    qkv: `${scope}.attn.qkv`,
    proj: `${scope}.attn.proj`,
    queryNorm: `${scope}.attn.q_norm`,
    keyNorm: `${scope}.attn.k_norm`,
  };
  const attended = attention(site, names, normed, { dim, heads, tokens, epsilon: EPSILON });
  const middle = layer(site, scope, "Add", [
    x,
    layerScale(site, `${scope}.ls1`, `${scope}.ls1.gamma`, attended, dim),
  ]);
  const inner = layerNorm(site, `${scope}.norm2`, middle, dim, EPSILON);
  const feed = { fc1: `${scope}.mlp.fc1`, act: `${scope}.mlp.act`, fc2: `${scope}.mlp.fc2` };
  const mixed = mlp(site, feed, inner, { dim, hidden });
  return layer(site, scope, "Add", [
    middle,
    layerScale(site, `${scope}.ls2`, `${scope}.ls2.gamma`, mixed, dim),
  ]);
}

function pooled(site: Site, x: string, pool: "token" | "avg", prefix: number): string {
  const { graph } = site;
  if (pool === "token") {
    return layer(site, "pool", "Gather", [x, graph.int(0)], { axis: int(1) });
  }
  const patches =
    prefix === 0
      ? x
      : layer(site, "pool", "Slice", [x, graph.ints([prefix]), graph.ints([2 ** 31 - 1]), graph.ints([1])]);
  return layer(site, "pool", "ReduceMean", [patches, graph.ints([1])], {
    keepdims: { kind: "int", value: 0 },
  });
}

function plan(description: Description): Plan {
  if (description.library !== "timm") throw new RangeError("only timm's descriptions are accepted");
  const shape = shapeOf(description);
  const { image, patch, dim, depth, channels, classes, pool } = shape;
  const patches = Math.trunc(image[0] / patch[0]) * Math.trunc(image[1] / patch[1]);
  const prefix = (shape.classToken ? 1 : 0) + shape.registers;
  const write = (site: Site, pixels: string): string => {
    const optionalNorm = (scope: string, x: string) =>
      site.weights.has(`${scope}.weight`) ? layerNorm(site, scope, x, dim, EPSILON) : x;
    let x = optionalNorm("norm_pre", embed(site, pixels, shape, patches, prefix));
    for (let i = 0; i < depth; i++) x = block(site, `blocks.${i}`, x, shape, patches + prefix);
    const features = optionalNorm("fc_norm", pooled(site, optionalNorm("norm", x), pool, prefix));
    return classifier(site, "head", features, dim, classes);
  };
  const { pretrained } = description;
  const preprocessing = pretrained && { preprocessing: { pretrained_cfg: pretrained } };
  return { input: [channels, ...image], classes, write, ...preprocessing };
}

export const timmVit: Architecture = {
  name: "timm's plain ViT and DeiT (vit_base_patch16_224, deit_small_patch16_224, …)",
  accepts: (description) => description.library === "timm" && NAME.test(description.architecture),
  plan,
};
