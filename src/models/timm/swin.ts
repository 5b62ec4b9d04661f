/**
 * @file timm's SwinTransformer and SwinTransformerV2 from their checkpoints, also those in Microsoft's own layout, which
 * timm converts when it loads them: merging at the end of a stage, a classifier called "head".
 *
 * Source: timm.models.swin_transformer and swin_transformer_v2.
 */
import { z } from "zod";
import { VitreousError } from "../../onnx/errors.js";
import type { Architecture, Plan, PlanOptions, Size } from "../architecture.js";
import type { Description } from "../description.js";
import type { Activation } from "../layers.js";
import { resizeAsTimm } from "../relative-positions.js";
import type { TensorShapes } from "../stored-tensor.js";
import { swin } from "../swin.js";
import { type SwinBlockNames, swinStages } from "../swin-stages.js";
import { continuousBias, learnedBias, offsetCount, type PositionBias } from "../window-bias.js";
import type { Windows } from "../windows.js";
import { pretrainedOf, timmArchitecture } from "./architectures.js";
import type { TimmDescription } from "./config.js";

const size = z.int().positive();
const sizes = z.union([size, z.tuple([size, size])]);
const natural = z.int().nonnegative();
const rate = z.number();

/** Keyword arguments of both classes. */
const common = {
  img_size: sizes.optional(),
  patch_size: sizes.default(4),
  in_chans: size.default(3),
  num_classes: natural.optional(),
  global_pool: z.string().default("avg"),
  embed_dim: size.default(96),
  depths: z.array(size).min(1).default([2, 2, 6, 2]),
  num_heads: z.array(size).default([3, 6, 12, 24]),
  window_size: z.union([size, z.array(sizes)]).default(7),
  always_partition: z.boolean().default(false),
  strict_img_size: z.boolean().default(true),
  dynamic_img_size: z.boolean().default(false),
  qkv_bias: z.boolean().default(true),
  // These act in training only.
  drop_rate: rate.optional(),
  proj_drop_rate: rate.optional(),
  attn_drop_rate: rate.optional(),
  drop_path_rate: rate.optional(),
};

const firstArguments = z.strictObject({
  ...common,
  head_dim: z.union([size, z.array(size.nullable())]).nullish(),
  mlp_ratio: z.union([z.number().positive(), z.array(z.number().positive())]).default(4),
  weight_init: z.string().optional(),
});

const secondArguments = z.strictObject({
  ...common,
  mlp_ratio: z.number().positive().default(4),
  act_layer: z.enum(["gelu", "gelu_tanh", "quick_gelu", "silu", "swish", "relu"]).default("gelu"),
  pretrained_window_sizes: z.array(z.union([natural, z.tuple([natural, natural])])).default([0, 0, 0, 0]),
});

type Arguments = z.infer<typeof firstArguments> & Partial<z.infer<typeof secondArguments>>;

const EPSILON = 1e-5;
const MASKED = -100;

const pair = (value: number | Size): Size => (typeof value === "number" ? [value, value] : value);

const each = <T>(value: T | readonly T[], stages: number): readonly T[] =>
  Array.isArray(value) ? value : new Array<T>(stages).fill(value as T);

const CLASSES = ["SwinTransformer", "SwinTransformerV2"];
const classOf = ({ architecture }: Pick<TimmDescription, "architecture">): string | undefined =>
  timmArchitecture(architecture)?.class;
const isSecond = (description: TimmDescription): boolean => classOf(description) === "SwinTransformerV2";

function readArguments(description: TimmDescription): Arguments {
  const given = { ...timmArchitecture(description.architecture)?.args, ...description.args };
  const result = (isSecond(description) ? secondArguments : firstArguments).safeParse(given);
  if (result.success) return result.data as Arguments;
  const problems = result.error.issues.map((i) => `${["model_args", ...i.path].join(".")}: ${i.message}`);
  throw new VitreousError(`config.json: ${problems.join("; ")}.`);
}

/** One window for each stage; two numbers are [height, width] (`resolve_stage_window_sizes`). */
function stageWindows(given: Arguments["window_size"], stages: number): readonly Size[] {
  if (typeof given === "number") return new Array<Size>(stages).fill([given, given]);
  const [a, b] = given;
  if (given.length === 2 && typeof a === "number" && typeof b === "number") {
    return new Array<Size>(stages).fill([a, b]);
  }
  if (given.length === stages) return given.map(pair);
  throw new VitreousError(
    `config.json: model_args.window_size has ${given.length} entries for ${stages} stages.`,
  );
}

/** The window is cut to the grid, which is not shifted then; axis by axis (`_calc_window_shift`). */
function windowsOn(grid: Size, known: Size, target: Size, shifted: boolean, always: boolean): Windows {
  const shift = (axis: 0 | 1): number => (shifted ? Math.floor(target[axis] / 2) : 0);
  const window = (axis: 0 | 1): number => (always ? target[axis] : Math.min(known[axis], target[axis]));
  const kept = (axis: 0 | 1): number => (always || known[axis] > window(axis) ? shift(axis) : 0);
  return { grid, window: [window(0), window(1)], shift: [kept(0), kept(1)], rollsFirst: true };
}

const stageGrid = (grid: Size, stage: number): Size => [
  Math.ceil(grid[0] / 2 ** stage),
  Math.ceil(grid[1] / 2 ** stage),
];

/** The checkpoint's table; one for another window is resized, as when timm loads it. */
function tableBias(name: string, { window }: Windows, heads: number, tensors: TensorShapes): PositionBias {
  const stored = tensors.get(name)?.dims ?? [];
  const side = Math.sqrt(stored[0] ?? 0);
  if (stored[0] === offsetCount(window) || stored[1] !== heads || side % 2 !== 1) {
    return learnedBias(name, window, heads);
  }
  const made = (side + 1) / 2;
  return {
    parts: [{ name, dims: stored }],
    table: ([table = new Float32Array()]) => resizeAsTimm(table, [made, made], window, heads),
  };
}

function blockNames(scope: string, { qkv_bias: biased }: Arguments, second: boolean): SwinBlockNames {
  const attention = `${scope}.attn`;
  const qkvBias: SwinBlockNames["attention"]["qkvBias"] = (weights, length) =>
    second
      ? weights.takeJoined([`${attention}.q_bias`, undefined, `${attention}.v_bias`], length / 3)
      : weights.take(`${attention}.qkv.bias`, [length]);
  return {
    scope,
    norm1: `${scope}.norm1`,
    norm2: `${scope}.norm2`,
    attention: {
      scope: attention,
      qkv: [`${attention}.qkv.weight`],
      qkvBias: biased ? qkvBias : undefined,
      proj: `${attention}.proj`,
      logitScale: second ? `${attention}.logit_scale` : undefined,
    },
    mlp: { fc1: `${scope}.mlp.fc1`, act: `${scope}.mlp.act`, fc2: `${scope}.mlp.fc2` },
  };
}

const block = (stage: number, i: number): string => `layers.${stage}.blocks.${i}`;

function plan(description: Description, tensors: TensorShapes, options: PlanOptions): Plan {
  if (description.library !== "timm") throw new RangeError("only timm's descriptions are accepted");
  const args = readArguments(description);
  const second = isSecond(description);
  const refuse = (why: string): never => {
    throw new VitreousError(`config.json: ${why}.`);
  };
  const pool = description.pool ?? args.global_pool;
  if (pool !== "avg") refuse(`global_pool "${pool}" is not supported, only "avg"`);
  const { pretrained, note } = pretrainedOf(description);
  const [, ...own] = pretrained.input_size ?? [3, 224, 224];
  const known = pair(args.img_size ?? own);
  const image = options.image ?? known;
  const patch = pair(args.patch_size);
  const patches = ([height, width]: Size): Size => [
    Math.floor(height / patch[0]),
    Math.floor(width / patch[1]),
  ];
  const grid = patches(image);
  if (Math.min(...grid) < 1) refuse(`patches of ${patch.join("×")} exceed images of ${image.join("×")}`);
  // Built for one size and run on another, a model keeps its windows; built anew for that size, it does not.
  const dynamic = args.dynamic_img_size || !args.strict_img_size;
  if (dynamic && (image[0] % patch[0] !== 0 || image[1] % patch[1] !== 0)) {
    refuse(`images of ${image.join("×")} are no whole patches of ${patch.join("×")}`);
  }
  const windowsFor = patches(dynamic ? known : image);
  const stages = args.depths.length;
  const targets = stageWindows(args.window_size, stages);
  const trained = args.pretrained_window_sizes?.map(pair);
  const old = tensors.has("layers.0.downsample.reduction.weight");
  const layout = {
    grid,
    embedDim: args.embed_dim,
    depths: args.depths,
    heads: args.num_heads,
    headDims: each(args.head_dim ?? null, stages).map((width) => width ?? undefined),
    mlpRatios: each(args.mlp_ratio, stages),
    masked: MASKED,
    windows: (stage: number, i: number, now: Size) =>
      windowsOn(
        now,
        stageGrid(windowsFor, stage),
        targets[stage] ?? [1, 1],
        i % 2 === 1,
        args.always_partition,
      ),
    names: (stage: number, i: number) => blockNames(block(stage, i), args, second),
    bias: (scope: string, stage: number, windows: Windows, heads: number): PositionBias => {
      if (!second) return tableBias(`${scope}.relative_position_bias_table`, windows, heads, tensors);
      const before = trained?.[stage] ?? [0, 0];
      const { window } = windows;
      return continuousBias(`${scope}.cpb_mlp`, window, before[0] > 0 ? before : window, heads);
    },
    merging: (stage: number) => {
      const module = `layers.${old ? stage : stage + 1}.downsample`;
      return { norm: `${module}.norm`, reduction: `${module}.reduction` };
    },
  };
  const classes = description.classes ?? args.num_classes ?? 1000;
  const act = args.act_layer === "swish" ? "silu" : (args.act_layer ?? "gelu");
  const model = {
    postNorm: second,
    channels: args.in_chans,
    patch,
    padding: [0, 0] as const,
    patchEmbed: { proj: "patch_embed.proj", norm: "patch_embed.norm" },
    positions: undefined,
    stages: swinStages(layout),
    norm: "norm",
    pool: "head.global_pool",
    head: tensors.has("head.weight") ? "head" : "head.fc",
    classes,
    act: act satisfies Activation,
    epsilon: EPSILON,
    outerEpsilon: EPSILON,
  };
  return {
    input: [args.in_chans, ...image],
    classes,
    write: (site, pixels) => {
      site.weights.leave((name) => /\.(relative_position_index|relative_coords_table|attn_mask)$/.test(name));
      return swin(site, model, pixels);
    },
    preprocessing: { pretrained_cfg: pretrained },
    notes: note === undefined ? [] : [note],
  };
}

export const timmSwin: Architecture = {
  name: "timm's Swin and Swin V2 (swin_tiny_patch4_window7_224, swinv2_base_window8_256, …)",
  accepts: (description) => description.library === "timm" && CLASSES.includes(classOf(description) ?? ""),
  plan,
};
