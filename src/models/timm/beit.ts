/**
 * @file timm's BEiT and BEiT v2 (Bao et al. 2022, Peng et al. 2022): a ViT whose attention adds a bias by relative position.
 *
 * Source: timm.models.beit.
 */
import { z } from "zod";
import { VitreousError } from "../../onnx/errors.js";
import type { Architecture, Plan, PlanOptions, Size } from "../architecture.js";
import type { Description } from "../description.js";
import { type Site, withBiases } from "../layers.js";
import { relativePositionBias, resizingOfTimm, squareFor, tableLength } from "../relative-positions.js";
import type { TensorShapes } from "../stored-tensor.js";
import { type BlockNames, gridOf, type Vit, writeVit } from "../vit.js";
import { type VitHead, withFeatures } from "../vit-head.js";
import { timmArchitecture } from "./architectures.js";
import {
  classesOf,
  count,
  ownInput,
  pairArgument,
  readArguments,
  statedBy,
  WITHOUT_CLASSIFIER,
  WITHOUT_EFFECT,
} from "./arguments.js";
import { recogniseBeit } from "./beit-recognise.js";

const schema = z.strictObject({
  img_size: pairArgument.optional(),
  patch_size: pairArgument.default([16, 16]),
  in_chans: count.optional(),
  num_classes: z.int().nonnegative().optional(),
  global_pool: z.string().optional(),
  embed_dim: count.default(768),
  depth: count.default(12),
  num_heads: count.default(12),
  qkv_bias: z.boolean().default(true),
  mlp_ratio: z.number().positive().default(4),
  swiglu_mlp: z.boolean().default(false),
  scale_mlp: z.boolean().default(false),
  init_values: z.number().nullish(),
  use_abs_pos_emb: z.boolean().default(true),
  use_rel_pos_bias: z.boolean().default(false),
  use_shared_rel_pos_bias: z.boolean().default(false),
  use_fc_norm: z.boolean().nullish(),
  ...WITHOUT_EFFECT,
});

type Arguments = z.output<typeof schema>;

/** timm's LayerNorm. */
const EPSILON = 1e-6;

const TABLE = "relative_position_bias_table";
const SHARED_TABLE = `rel_pos_bias.${TABLE}`;
const tableOf = (index: number): string => `blocks.${index}.attn.${TABLE}`;

function blockNames(scope: string, args: Arguments): BlockNames {
  const { qkv_bias: biased, swiglu_mlp: gated, scale_mlp, init_values } = args;
  const [attn, mlp] = [`${scope}.attn`, `${scope}.mlp`];
  return {
    scope,
    norm1: `${scope}.norm1`,
    attention: {
      scope: attn,
      qkv: `${attn}.qkv`,
      biases: biased ? [`${attn}.q_bias`, undefined, `${attn}.v_bias`] : [undefined],
      proj: `${attn}.proj`,
    },
    norm2: `${scope}.norm2`,
    feed: {
      fc1: gated ? { gate: `${mlp}.fc1_g`, value: `${mlp}.fc1_x` } : `${mlp}.fc1`,
      act: `${mlp}.act`,
      activation: gated ? "silu" : "gelu",
      norm: scale_mlp ? `${mlp}.norm` : undefined,
      fc2: `${mlp}.fc2`,
    },
    // timm takes 0 for none.
    ...(init_values ? { scale1: `${scope}.gamma_1`, scale2: `${scope}.gamma_2` } : {}),
  };
}

/** The grid that tables and positions are for: that of the model's own images, or a square one (`resize_rel_pos_bias_table`). */
function madeFor(tensors: TensorShapes, own: Size): Size {
  const rows = (tensors.get(SHARED_TABLE) ?? tensors.get(tableOf(0)))?.dims[0];
  if (rows !== undefined) return rows === tableLength(own) ? own : (squareFor(rows) ?? own);
  const patches = (tensors.get("pos_embed")?.dims[1] ?? 1) - 1;
  const side = Math.round(Math.sqrt(patches));
  return patches === own[0] * own[1] || side * side !== patches || side === 0 ? own : [side, side];
}

function plan(description: Description, tensors: TensorShapes, options: PlanOptions): Plan {
  if (description.library !== "timm") throw new RangeError("only timm's descriptions are accepted");
  const args = readArguments(description, schema);
  const refuse = (why: string): never => {
    throw new VitreousError(`${description.architecture}: ${why}.`);
  };
  const { patch_size: patch, embed_dim: dim, num_heads: heads } = args;
  const pool = args.global_pool ?? description.pool ?? "avg";
  if (pool !== "avg" && pool !== "token")
    return refuse(`global_pool "${pool}" is not supported, only "avg" and "token"`);
  if (dim % heads !== 0) refuse(`embed_dim ${dim} is no multiple of num_heads ${heads}`);
  const { image: own, channels } = ownInput(description, args);
  const image = options.image ?? own;
  const grid = gridOf(image, patch);
  if (grid[0] * grid[1] === 0) refuse(`patches of ${patch.join("×")} exceed images of ${image.join("×")}`);
  const made = madeFor(tensors, gridOf(own, patch));
  const classes = classesOf(description, args.num_classes);
  const fcNorm = args.use_fc_norm ?? pool === "avg";
  const prefix = [{ name: "cls_token", count: 1, positioned: true }];
  const ownHead: VitHead = {
    pooling: pool === "avg" ? { kind: "mean", from: 1 } : { kind: "token" },
    scope: "pool",
    fcNorm: fcNorm ? "fc_norm" : undefined,
    classifiers: classes > 0 ? ["head"] : [],
    classes,
  };
  const head = withFeatures(ownHead, options.features, prefix);
  const vit: Vit = {
    dim,
    depth: args.depth,
    heads,
    hidden: Math.trunc(dim * args.mlp_ratio),
    channels,
    image,
    patch,
    epsilon: EPSILON,
    patches: "patch_embed.proj",
    prefix,
    positions: args.use_abs_pos_emb
      ? { name: "pos_embed", grid: made, interpolation: "bicubic-antialias" }
      : undefined,
    block: (index) => blockNames(`blocks.${index}`, args),
    norm: fcNorm ? undefined : "norm",
    head,
  };
  const shape = { made, grid, heads, resizing: resizingOfTimm };
  const write = (plain: Site, pixels: string): string => {
    plain.weights.leave((name) => name.endsWith("relative_position_index"));
    const site = withBiases(plain, (module) => !module.endsWith(".attn.qkv"));
    const shared = args.use_shared_rel_pos_bias ? [SHARED_TABLE] : [];
    const all = shared.length > 0 ? relativePositionBias(site, shared, shape) : undefined;
    const attend = (index: number) => ({
      bias: args.use_rel_pos_bias ? relativePositionBias(site, [tableOf(index), ...shared], shape) : all,
    });
    return writeVit(site, pixels, { ...vit, attend });
  };
  const placed = args.use_abs_pos_emb || args.use_rel_pos_bias || args.use_shared_rel_pos_bias;
  const note =
    placed &&
    made.join() !== grid.join() &&
    `Relative positions of ${made.join("×")} patches were interpolated to ${grid.join("×")}.`;
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

export const timmBeit: Architecture = {
  name: "timm's BEiT and BEiT v2 (beit_base_patch16_224, …)",
  accepts: (description) =>
    description.library === "timm" && timmArchitecture(description.architecture)?.class === "Beit",
  plan,
  recognise: recogniseBeit,
};
