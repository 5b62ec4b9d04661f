/**
 * @file What plain and gradient rollout share: which parameters there are, how a block's attention is fused in the
 * graph, and how the fused matrices of all blocks become a map.
 */
import { z } from "zod";
import type { Anatomy, Block } from "../anatomy/anatomy.js";
import { VitreousError } from "../onnx/errors.js";
import type { NdArray } from "../runtime/runtime.js";
import { numberOption, switchOption } from "../spec.js";
import { type Expr, reduce, reshape } from "./expression.js";
import { overMax } from "./map.js";
import type { TokenMap } from "./method.js";
import { type LayerRule, pushRow, pushWindows, splitMerge } from "./propagate.js";
import { discardSmallest, kthSmallest } from "./select.js";

export const rolloutShape = {
  fusion: z.enum(["mean", "max", "min"], { error: "must be mean, max or min" }).default("mean"),
  discard: z
    .union([z.literal("auto"), numberOption(0, 1)], { error: "must be a number from 0 to 1" })
    .default("auto"),
  protect: switchOption.default(false),
  residual: numberOption(0).default(1),
  start: numberOption(0, Number.POSITIVE_INFINITY, true).default(0),
  normalise: z.enum(["none", "max", "sum"], { error: "must be none, max or sum" }).default("none"),
  readout: z
    .enum(["auto", "token", "prefix", "patches"], { error: "must be auto, token, prefix or patches" })
    .default("auto"),
  merge: z.enum(["equal", "relevance"], { error: "must be equal or relevance" }).default("equal"),
};

export interface RolloutOptions {
  /** How heads are fused (default mean). */
  readonly fusion?: "mean" | "max" | "min";
  /** Share of the smallest entries of each fused matrix set to 0, per image; "auto" (default) is the method's own. */
  readonly discard?: number | "auto";
  /** Entries whose key is a prefix token are never discarded (default false). */
  readonly protect?: boolean;
  /** Weight of the identity (default 1). */
  readonly residual?: number;
  /** First block that takes part, from 0. */
  readonly start?: number;
  /** Divide each fused matrix by its maximum, or by its mean row sum ("sum"); raw gradients are tiny. Default none. */
  readonly normalise?: "none" | "max" | "sum";
  /** Rows read out: the class token, all prefix tokens' mean, the patches' mean; "auto": the rows that the head reads. */
  readonly readout?: "auto" | "token" | "prefix" | "patches";
  /** Swin: how a merged token's mass is split over its children: equal parts, or in proportion to |gradient·activation|. */
  readonly merge?: "equal" | "relevance";
}

export interface RolloutPlan {
  readonly discard: number;
  readonly protect: boolean;
  readonly start: number;
  readonly normalise: "none" | "max" | "sum";
  readonly readout: "token" | "prefix" | "patches";
  readonly rule: Omit<LayerRule, "above">;
}

export const tapName = (block: Block): string => block.name;
export const mergeTapName = (block: Block): string => `${block.name}:merge`;

/** Heads fused: [N, heads, n, n] (any of the layouts) → [N or N·windows, n, n]. */
export function fuseHeads(x: Expr, block: Block, fusion: "mean" | "max" | "min"): Expr {
  const { heads, tokens, attentionLayout } = block;
  const separate = attentionLayout === "BHNN" || attentionLayout === "(BW)HNN";
  const byHead = separate ? x : reshape(x, [-1, heads, tokens, tokens]);
  return reduce(fusion, byHead, [1]);
}

/** One sentence when rollout cannot work on this model. */
export function rolloutUnsupported(method: string, anatomy: Anatomy): string | undefined {
  if (anatomy.family !== "unknown" && anatomy.blocks.length > 0) return undefined;
  return `${method} needs the attention maps of a vision transformer. ${anatomy.why.join(" ")}`.trim();
}

/** "auto" settled: the rows that the head reads. */
export function readoutOf(
  readout: "auto" | "token" | "prefix" | "patches",
  anatomy: Anatomy,
): RolloutPlan["readout"] {
  if (anatomy.family === "swin") return "patches";
  const others = anatomy.prefixTokens + anatomy.suffixTokens;
  const settled = readout === "auto" ? (readsToken(anatomy) ? "token" : "patches") : readout;
  if (settled !== "patches" && others === 0) {
    throw new VitreousError(`readout=${settled}: this model has patch tokens only; use readout=patches`);
  }
  return settled;
}

const readsToken = ({ head, headTokens }: Anatomy): boolean =>
  headTokens.length > 0 || head === "token" || head === "distilled";

/** From the fused matrices of all blocks (by tapName) to a map for each image: ViT's divided by its maximum, Swin's summing to 1. */
export function rolloutMaps(
  taps: Readonly<Record<string, NdArray>>,
  anatomy: Anatomy,
  count: number,
  plan: RolloutPlan,
): readonly TokenMap[] {
  const windowed = anatomy.family === "swin";
  return Array.from({ length: count }, (_, image) => {
    let r = initialRow(anatomy, plan.readout);
    for (const [index, block] of [...anatomy.blocks.entries()].reverse()) {
      if (block.merge !== undefined) {
        const finer = block.windows ? block.windows.grid[0] * block.windows.grid[1] : block.tokens;
        const relevance = taps[mergeTapName(block)];
        r = splitMerge(r, block.merge, finer, relevance && imagePart(relevance, image, count));
      }
      if (index < plan.start) continue;
      const tap = taps[tapName(block)];
      if (tap === undefined) throw new RangeError(`no tap for ${block.name}`);
      // A copy: discarding writes into it, and the tap may be shared with another method.
      const { matrix, above } = thinned(imagePart(tap, image, count), block, anatomy, plan);
      const rule = { ...plan.rule, above };
      if (block.windows) pushWindows(r, matrix, block.windows, rule);
      else pushRow(r, matrix, 0, rule);
    }
    const start = windowed ? 0 : anatomy.prefixTokens;
    const values = Float32Array.from(r.subarray(start, start + anatomy.grid[0] * anatomy.grid[1]));
    return { grid: anatomy.grid, values: windowed ? values : overMax(values) };
  });
}

interface Thinned {
  readonly matrix: Float32Array;
  /** Entries up to this one are discarded. */
  readonly above: number;
}

/** The fused matrix without its smallest entries. The tap may be another method's too: it is copied before it is changed. */
function thinned(fused: Float32Array, block: Block, anatomy: Anatomy, plan: RolloutPlan): Thinned {
  const count = Math.floor(fused.length * plan.discard + 1e-9);
  const keep =
    plan.protect && !block.windows ? (i: number) => !isPatch(i % block.tokens, anatomy) : undefined;
  if (keep === undefined && plan.normalise === "none") {
    if (count === 0) return { matrix: fused, above: 0 };
    const { threshold, below, equal } = kthSmallest(fused, count);
    if (threshold === 0 || count === below + equal) return { matrix: fused, above: threshold };
  }
  const matrix = fused.slice();
  discardSmallest(matrix, count, keep);
  if (plan.normalise === "none") return { matrix, above: 0 };
  let scale = 0;
  for (const v of matrix) scale = plan.normalise === "max" ? Math.max(scale, v) : scale + v;
  if (plan.normalise === "sum") scale /= matrix.length / block.tokens;
  if (scale > 0) for (let i = 0; i < matrix.length; i++) matrix[i] = (matrix[i] ?? 0) / scale;
  return { matrix, above: 0 };
}

function isPatch(token: number, { prefixTokens, grid }: Anatomy): boolean {
  return token >= prefixTokens && token < prefixTokens + grid[0] * grid[1];
}

function initialRow(anatomy: Anatomy, readout: RolloutPlan["readout"]): Float64Array {
  const last = anatomy.blocks.at(-1);
  if (last === undefined) throw new RangeError("a model without blocks");
  const tokens = last.windows ? last.windows.grid[0] * last.windows.grid[1] : last.tokens;
  const all = Array.from({ length: tokens }, (_, token) => token);
  const patch = (token: number): boolean => last.windows !== undefined || isPatch(token, anatomy);
  const read =
    readout === "token"
      ? [anatomy.headTokens[0] ?? 0]
      : all.filter((token) => patch(token) === (readout === "patches"));
  const r = new Float64Array(tokens);
  for (const token of read) r[token] = 1 / read.length;
  return r;
}

function imagePart(tap: NdArray, image: number, count: number): Float32Array {
  if (!(tap.data instanceof Float32Array)) throw new TypeError("rollout expects float32 taps");
  const size = tap.data.length / count;
  return tap.data.subarray(image * size, (image + 1) * size);
}
