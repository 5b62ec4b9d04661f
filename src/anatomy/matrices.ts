/**
 * @file Reads off which tokens the rows of each attention matrix stand for: the traced attention tensor cut into
 * matrices, images apart, heads put together. What does not lie that way is said, not guessed.
 */
import type { AttentionSite } from "./attention.js";
import type { Places } from "./stage.js";
import { collapse, slice, toArray, transpose } from "./trace/index-tensor.js";
import { NOWHERE } from "./trace/origins.js";
import type { Trace } from "./trace/trace.js";

export interface Matrices {
  readonly heads: number;
  /** Rows of one matrix. */
  readonly tokens: number;
  readonly rank: number;
  /** The first image's windows: token ids of the rows, [windows][tokens]. One window where attention is global. */
  readonly windows: readonly Int32Array[];
}

/** The matrices of one attention, or the end of a sentence that says why they cannot be read. */
export function matricesOf(site: AttentionSite, trace: Trace, places: Places): Matrices | string {
  const traced = trace.values.get(site.weights);
  if (traced === undefined) {
    return `its tokens could not be followed (${trace.lost.get(site.weights) ?? "not computed from the patches"})`;
  }
  const weights = collapse(traced);
  const rank = weights.dims.length;
  const tokens = weights.dims.at(-1) ?? 0;
  if (weights.dims.at(-2) !== tokens || rank < 3) return "its matrices are not square";
  if (weights.strides.at(-1) !== 0) return "its rows mix several tokens";
  const rows = split(toArray(slice(weights, rank - 1, 0, 1, 1)), tokens);
  const keys = keyRows(site, trace, rows.length, tokens);
  if (typeof keys === "string") return keys;
  if (keys?.some((row, i) => row.some((id, k) => id !== rows[i]?.[k]))) {
    return "its queries and keys are different tokens";
  }
  return arrange(rows, weights.dims, trace, places);
}

const split = (ids: Int32Array, length: number): Int32Array[] =>
  Array.from({ length: ids.length / length }, (_, i) => ids.subarray(i * length, (i + 1) * length));

/** Tokens of the keys, in the matrices' order; undefined where the product's shape differs from the softmax's. */
function keyRows(
  site: AttentionSite,
  trace: Trace,
  count: number,
  tokens: number,
): readonly Int32Array[] | string | undefined {
  const keys = site.scores.op === "MatMul" ? trace.values.get(site.scores.inputs[1] ?? "") : undefined;
  if (keys === undefined) return undefined;
  const rank = keys.dims.length;
  if (rank < 3 || keys.dims[rank - 1] !== tokens) return undefined;
  const last = keys.dims.map((_, i) => i);
  const swapped = collapse(transpose(keys, [...last.slice(0, -2), rank - 1, rank - 2]));
  if (swapped.strides.at(-1) !== 0) return "its keys mix several tokens";
  const rows = split(toArray(slice(swapped, rank - 1, 0, 1, 1)), tokens);
  return rows.length === count ? rows : undefined;
}

const sameRow = (a: Int32Array | undefined, b: Int32Array | undefined): boolean =>
  a !== undefined && b !== undefined && a.every((id, i) => id === b[i]);

function arrange(
  rows: readonly Int32Array[],
  dims: readonly number[],
  trace: Trace,
  places: Places,
): Matrices | string {
  const perImage = rows.length / trace.batch;
  if (!Number.isInteger(perImage)) return "its matrices do not divide among the images";
  const size = places.rows * places.columns;
  const foreign = rows.some((row, i) =>
    row.some((id) =>
      trace.origins.members(id).some((p) => Math.floor(p / size) !== Math.floor(i / perImage)),
    ),
  );
  if (foreign) return "the images of a batch are interleaved in it";
  const heads = dims.length > 3 ? (dims.at(-3) ?? 1) : runLength(rows.slice(0, perImage));
  if (perImage % heads !== 0) return "its heads and windows are interleaved";
  const first = rows.slice(0, perImage);
  if (first.some((row, i) => !sameRow(row, first[i - (i % heads)]))) {
    return "its heads and windows are interleaved";
  }
  if (first.some(repeats)) return "its rows are not tokens (attention between channels?)";
  return {
    heads,
    tokens: dims.at(-1) ?? 0,
    rank: dims.length,
    windows: first.filter((_, i) => i % heads === 0),
  };
}

/** Whether some token stands in two rows of a matrix (constants and padding may). */
function repeats(row: Int32Array): boolean {
  const real = row.filter((id) => id !== NOWHERE);
  return new Set(real).size < real.length;
}

/** How often the first row list is repeated from the start: the heads of the first window. */
function runLength(rows: readonly Int32Array[]): number {
  const end = rows.findIndex((row) => !sameRow(row, rows[0]));
  return end < 0 ? rows.length : end;
}
