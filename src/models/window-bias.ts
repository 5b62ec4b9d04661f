/**
 * @file Swin's relative position biases, which are the same for every image: looked up in a learned table (v1), or
 * computed by a small network from log-spaced offsets (v2, Liu et al. 2022, §3.3). Both are evaluated when the
 * checkpoint is read, so that the graph holds what is added to the scores and nothing else.
 */
import type { Size } from "./architecture.js";
import { type Adjoint, addBack } from "./rearrange.js";
import type { Part } from "./weights.js";

/** Width of the hidden layer in timm, transformers and torchvision. */
const HIDDEN = 512;

/** Offsets between two tokens of a window: (2·height − 1)·(2·width − 1). */
export const offsetCount = ([height, width]: Size): number => (2 * height - 1) * (2 * width - 1);

/** Bias for every pair of tokens of a window. */
export interface PositionBias {
  readonly parts: readonly Part[];
  /** → [offsets, heads], rows by offset down, then across, from the most negative. */
  readonly table: (parts: readonly Float32Array[]) => Float32Array;
  /** Adds a gradient by the table to the parts'. */
  readonly adjoint: Adjoint;
}

/** v1: the checkpoint's own table [offsets, heads]. */
export function learnedBias(name: string, window: Size, heads: number): PositionBias {
  return {
    parts: [{ name, dims: [offsetCount(window), heads] }],
    table: ([table = new Float32Array()]) => table,
    adjoint: addBack,
  };
}

/**
 * v2: 16·sigmoid of an MLP over the offsets, each divided by the largest of the window that the model was trained
 * with, times 8, then sign·log₂(1 + |·|)/3.
 *
 * @param mlp module path; its layers are "0" (with bias) and "2"
 * @param trained window whose largest offset becomes 8
 */
export function continuousBias(mlp: string, window: Size, trained: Size, heads: number): PositionBias {
  const coordinates = [0, 1].map((axis) => logSpaced(window[axis] ?? 1, trained[axis] ?? 1));
  const [rows = [], columns = []] = coordinates;
  return {
    parts: [
      { name: `${mlp}.0.weight`, dims: [HIDDEN, 2] },
      { name: `${mlp}.0.bias`, dims: [HIDDEN] },
      { name: `${mlp}.2.weight`, dims: [heads, HIDDEN] },
    ],
    table: (parts) => {
      const table = new Float32Array(rows.length * columns.length * heads);
      let next = 0;
      eachOffset(rows, columns, parts, (_y, _x, hidden) => {
        for (let head = 0; head < heads; head++) table[next++] = 16 * squashed(parts, hidden, head);
      });
      return table;
    },
    adjoint: (table, gradients, parts) => {
      let next = 0;
      eachOffset(rows, columns, parts, (y, x, hidden) => {
        const byHidden = new Float64Array(HIDDEN);
        for (let head = 0; head < heads; head++) {
          const value = squashed(parts, hidden, head);
          const by = (table[next++] ?? 0) * 16 * value * (1 - value);
          addHead(gradients, parts, hidden, byHidden, head, by);
        }
        addHidden(gradients, hidden, byHidden, y, x);
      });
    },
  };
}

/** Calls `visit` with each offset and what the MLP's hidden layer makes of it; the array is the same each time. */
function eachOffset(
  rows: readonly number[],
  columns: readonly number[],
  [weight, bias]: readonly Float32Array[],
  visit: (y: number, x: number, hidden: Float64Array) => void,
): void {
  const hidden = new Float64Array(HIDDEN);
  for (const y of rows) {
    for (const x of columns) {
      for (let i = 0; i < HIDDEN; i++) {
        const value = (weight?.[2 * i] ?? 0) * y + (weight?.[2 * i + 1] ?? 0) * x + (bias?.[i] ?? 0);
        hidden[i] = Math.max(value, 0);
      }
      visit(y, x, hidden);
    }
  }
}

/** The sigmoid of the MLP's output for a head. */
function squashed([, , last]: readonly Float32Array[], hidden: Float64Array, head: number): number {
  let sum = 0;
  for (let i = 0; i < HIDDEN; i++) sum += (last?.[head * HIDDEN + i] ?? 0) * (hidden[i] ?? 0);
  return 1 / (1 + Math.exp(-sum));
}

/** The gradient `by` of a head's output, on to the last layer's weights and to the hidden layer. */
function addHead(
  [, , toLast]: readonly Float32Array[],
  [, , last]: readonly Float32Array[],
  hidden: Float64Array,
  byHidden: Float64Array,
  head: number,
  by: number,
): void {
  for (let i = 0, at = head * HIDDEN; i < HIDDEN; i++, at++) {
    if (toLast) toLast[at] = (toLast[at] ?? 0) + by * (hidden[i] ?? 0);
    byHidden[i] = (byHidden[i] ?? 0) + by * (last?.[at] ?? 0);
  }
}

/** A gradient by the hidden layer, on to the first layer's weights and biases. */
function addHidden(
  [toWeight, toBias]: readonly Float32Array[],
  hidden: Float64Array,
  byHidden: Float64Array,
  y: number,
  x: number,
): void {
  for (let i = 0; i < HIDDEN; i++) {
    const by = (hidden[i] ?? 0) > 0 ? (byHidden[i] ?? 0) : 0;
    if (by === 0) continue;
    if (toWeight) {
      toWeight[2 * i] = (toWeight[2 * i] ?? 0) + by * y;
      toWeight[2 * i + 1] = (toWeight[2 * i + 1] ?? 0) + by * x;
    }
    if (toBias) toBias[i] = (toBias[i] ?? 0) + by;
  }
}

function logSpaced(length: number, trained: number): number[] {
  return Array.from({ length: 2 * length - 1 }, (_, i) => {
    // A window of one token has no offset but 0.
    const at = (8 * (i - length + 1)) / Math.max(trained - 1, 1);
    return (Math.sign(at) * Math.log2(Math.abs(at) + 1)) / 3;
  });
}

/** Calls `visit` for each pair (query, key) of each head with its place in [heads, tokens, tokens] and in the table. */
function eachPair([height, width]: Size, heads: number, visit: (at: number, row: number) => void): void {
  const tokens = height * width;
  for (let query = 0; query < tokens; query++) {
    for (let key = 0; key < tokens; key++) {
      const down = Math.floor(query / width) - Math.floor(key / width) + height - 1;
      const across = (query % width) - (key % width) + width - 1;
      const row = (down * (2 * width - 1) + across) * heads;
      for (let head = 0; head < heads; head++) visit((head * tokens + query) * tokens + key, row + head);
    }
  }
}

/** Adds the bias of each pair (query, key) to `out` [heads, tokens, tokens]. */
export function spreadBias(table: Float32Array, window: Size, heads: number, out: Float32Array): void {
  eachPair(window, heads, (at, row) => {
    out[at] = (out[at] ?? 0) + (table[row] ?? 0);
  });
}

/** The way back: adds what `out` [heads, tokens, tokens] has for each pair to its row of the table. */
export function gatherBias(out: Float32Array, window: Size, heads: number, table: Float32Array): void {
  eachPair(window, heads, (at, row) => {
    table[row] = (table[row] ?? 0) + (out[at] ?? 0);
  });
}
