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
  /** Adds a gradient by the table to the parts'; undefined where the table is not linear in them. */
  readonly adjoint: Adjoint | undefined;
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
    table: ([weight = new Float32Array(), bias = new Float32Array(), last = new Float32Array()]) => {
      const table = new Float32Array(rows.length * columns.length * heads);
      const hidden = new Float64Array(HIDDEN);
      let next = 0;
      for (const y of rows) {
        for (const x of columns) {
          for (let i = 0; i < HIDDEN; i++) {
            const value = (weight[2 * i] ?? 0) * y + (weight[2 * i + 1] ?? 0) * x + (bias[i] ?? 0);
            hidden[i] = Math.max(value, 0);
          }
          for (let head = 0; head < heads; head++) {
            let sum = 0;
            for (let i = 0; i < HIDDEN; i++) sum += (last[head * HIDDEN + i] ?? 0) * (hidden[i] ?? 0);
            table[next++] = 16 / (1 + Math.exp(-sum));
          }
        }
      }
      return table;
    },
    adjoint: undefined,
  };
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
