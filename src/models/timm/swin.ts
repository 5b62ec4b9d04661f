/**
 * @file timm's SwinTransformer and SwinTransformerV2 from their checkpoints, also those in Microsoft's own layout, which
 * timm converts when it loads them: merging at the end of a stage, a classifier called "head".
 *
 * Source: timm.models.swin_transformer and swin_transformer_v2.
 */
import { VitreousError } from "../../onnx/errors.js";
import type { Architecture, Plan, PlanOptions, Size } from "../architecture.js";
import type { Description } from "../description.js";
import { addTo } from "../rearrange.js";
import { resizingOfTimm } from "../relative-positions.js";
import type { TensorShapes } from "../stored-tensor.js";
import { type Swin, swin, swinHead } from "../swin.js";
import { type SwinBlockNames, type SwinLayout, swinStages } from "../swin-stages.js";
import { gridOf } from "../vit.js";
import { continuousBias, learnedBias, offsetCount, type PositionBias } from "../window-bias.js";
import type { Windows } from "../windows.js";
import { classesOf, ownInput, statedBy } from "./arguments.js";
import { isSwin, type SwinArguments, swinArguments } from "./swin-arguments.js";
import { recogniseSwin } from "./swin-recognise.js";

const EPSILON = 1e-5;
const MASKED = -100;
/** Buffers that follow from sizes. */
const BUFFERS = /\.(relative_position_index|relative_coords_table|attn_mask)$/;
/** Microsoft's layout has this one. */
const OLD = "layers.0.downsample.reduction.weight";

const refuse = (why: string): never => {
  throw new VitreousError(`config.json: ${why}.`);
};

/** Axis by axis, the window is cut to the grid, which is not shifted then (`_calc_window_shift`). */
function windowsOn(grid: Size, known: Size, target: Size, shifted: boolean, always: boolean): Windows {
  const shift = (axis: 0 | 1): number => (shifted ? Math.floor(target[axis] / 2) : 0);
  const window = (axis: 0 | 1): number => (always ? target[axis] : Math.min(known[axis], target[axis]));
  const kept = (axis: 0 | 1): number => (always || known[axis] > target[axis] ? shift(axis) : 0);
  return { grid, window: [window(0), window(1)], shift: [kept(0), kept(1)], rollsFirst: true };
}

const stageGrid = (grid: Size, stage: number): Size => [
  Math.ceil(grid[0] / 2 ** stage),
  Math.ceil(grid[1] / 2 ** stage),
];

/** The checkpoint's table; one for another window is resized, as when timm loads it. */
function tableBias(name: string, { window }: Windows, heads: number, tensors: TensorShapes): PositionBias {
  const [offsets = 0, ownHeads] = tensors.get(name)?.dims ?? [];
  const side = Math.sqrt(offsets);
  if (offsets === offsetCount(window) || ownHeads !== heads || side % 2 !== 1) {
    return learnedBias(name, window, heads);
  }
  const made = (side + 1) / 2;
  return {
    parts: [{ name, dims: [offsets, heads] }],
    table: ([table = new Float32Array()]) => resizingOfTimm.resize(table, [made, made], window, heads),
    adjoint: (table, [to]) => {
      if (to) addTo(to, resizingOfTimm.back(table, [made, made], window, heads), 0);
    },
  };
}

function blockNames(scope: string, { qkv_bias: biased, second }: SwinArguments): SwinBlockNames {
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

/** @param known the grid that windows are cut to */
function layoutOf(args: SwinArguments, grid: Size, known: Size, tensors: TensorShapes): SwinLayout {
  const { second, windows, trainedWindows, always_partition } = args;
  const old = tensors.has(OLD);
  return {
    grid,
    embedDim: args.embed_dim,
    depths: args.depths,
    heads: args.num_heads,
    headDims: args.headDims,
    mlpRatios: args.mlpRatios,
    masked: MASKED,
    windows: (stage, block, now) => {
      const target = windows[stage] ?? [1, 1];
      return windowsOn(now, stageGrid(known, stage), target, block % 2 === 1, always_partition);
    },
    names: (stage, block) => blockNames(`layers.${stage}.blocks.${block}`, args),
    bias: (scope, stage, own, heads) => {
      if (!second) return tableBias(`${scope}.relative_position_bias_table`, own, heads, tensors);
      const before = trainedWindows[stage] ?? [0, 0];
      return continuousBias(`${scope}.cpb_mlp`, own.window, before[0] > 0 ? before : own.window, heads);
    },
    merging: (stage) => {
      const module = `layers.${old ? stage : stage + 1}.downsample`;
      return { norm: `${module}.norm`, reduction: `${module}.reduction` };
    },
  };
}

function plan(description: Description, tensors: TensorShapes, options: PlanOptions): Plan {
  if (description.library !== "timm") throw new RangeError("only timm's descriptions are accepted");
  const args = swinArguments(description);
  const pool = description.pool ?? args.global_pool ?? "avg";
  if (pool !== "avg") refuse(`global_pool "${pool}" is not supported, only "avg"`);
  const { image: own, channels } = ownInput(description, args);
  const image = options.image ?? own;
  const patch = args.patch_size;
  const grid = gridOf(image, patch);
  if (grid[0] * grid[1] === 0) {
    refuse(`images of ${image.join("×")} are smaller than a patch of ${patch.join("×")}`);
  }
  // Made for images of changing size, a model keeps the windows it was made with; else it is made for this size.
  const dynamic = args.dynamic_img_size || !args.strict_img_size;
  if (dynamic && (image[0] % patch[0] !== 0 || image[1] % patch[1] !== 0)) {
    refuse(`images of ${image.join("×")} are no whole patches of ${patch.join("×")}`);
  }
  const known = dynamic ? gridOf(own, patch) : grid;
  const module = tensors.has("head.weight") ? "head" : "head.fc";
  const classes = classesOf(description, args.num_classes);
  const head = swinHead("head.global_pool", module, classes, options.features);
  const model: Swin = {
    postNorm: args.second,
    channels,
    patch,
    padding: [0, 0],
    patchEmbed: { proj: "patch_embed.proj", norm: "patch_embed.norm" },
    positions: undefined,
    stages: swinStages(layoutOf(args, grid, known, tensors)),
    norm: "norm",
    head,
    act: args.act,
    epsilon: EPSILON,
    outerEpsilon: EPSILON,
  };
  const input = [channels, ...image] as const;
  return {
    input,
    classes: head.classes,
    write: (site, pixels) => {
      site.weights.leave((name) => BUFFERS.test(name));
      return swin(site, model, pixels);
    },
    network: { kind: "swin", swin: model },
    ...statedBy(description, input, []),
  };
}

export const timmSwin: Architecture = {
  name: "timm's Swin and Swin V2 (swin_tiny_patch4_window7_224, swinv2_base_window8_256, …)",
  accepts: (description) => description.library === "timm" && isSwin(description),
  plan,
  recognise: recogniseSwin,
};
