/**
 * @file Rollout as a row vector pushed through the layers from last to first. A map needs only the rows that the
 * head reads, r·a_L···a_1, so no N×N product is ever formed: N² work a layer instead of N³, and the same code
 * serves dense attention and Swin's windows, where r lives on a token grid that is cut, shifted and merged.
 */
import type { Block, WindowInfo } from "../anatomy/anatomy.js";

export interface LayerRule {
  /** Weight of the identity added to every matrix. */
  readonly residual: number;
  /** Divides by the sum of row j instead of row i: vit-explain's missing keepdim. */
  readonly columnDefect: boolean;
  /** Only entries above this count; 0 for all of a rectified matrix. */
  readonly above: number;
}

/**
 * r·a for the n×n matrix F at `offset`, a = (F + residual·I) with rows divided by their sums. A row without any
 * weight keeps its mass. r is overwritten.
 */
export function pushRow(r: Float64Array, fused: Float32Array, offset: number, rule: LayerRule): void {
  const n = r.length;
  const { residual, columnDefect, above } = rule;
  const out = new Float64Array(n);
  const sums = new Float64Array(n);
  for (let i = 0; i < n; i++) {
    const row = offset + i * n;
    let sum = residual;
    for (let j = row; j < row + n; j++) {
      const v = fused[j] as number;
      sum += v > above ? v : 0;
    }
    sums[i] = sum;
    const mass = r[i] as number;
    if (mass === 0) continue;
    if (sum === 0) {
      out[i] = (out[i] as number) + mass;
      continue;
    }
    const share = columnDefect ? mass : mass / sum;
    for (let j = 0; j < n; j++) {
      const v = fused[row + j] as number;
      if (v > above) out[j] = (out[j] as number) + share * v;
    }
    out[i] = (out[i] as number) + share * residual;
  }
  if (columnDefect) for (let j = 0; j < n; j++) out[j] = (out[j] as number) / (sums[j] as number);
  r.set(out);
}

/**
 * The same for a windowed block: each window's part of r through that window's matrix, from which tokens that are
 * padding are dropped before rows are summed. r is on the block's grid.
 */
export function pushWindows(
  r: Float64Array,
  fused: Float32Array,
  windows: WindowInfo,
  rule: LayerRule,
): void {
  const { slots } = windows;
  const n = windows.window[0] * windows.window[1];
  for (let w = 0; w * n < slots.length; w++) {
    const real: number[] = [];
    for (let i = 0; i < n; i++) if ((slots[w * n + i] ?? -1) >= 0) real.push(i);
    const place = (i: number): number => slots[w * n + (real[i] ?? 0)] ?? 0;
    const part = Float64Array.from(real, (_, i) => r[place(i)] ?? 0);
    if (real.length === n) pushRow(part, fused, w * n * n, rule);
    else pushRow(part, submatrix(fused, w * n * n, n, real), 0, rule);
    for (let i = 0; i < real.length; i++) r[place(i)] = part[i] ?? 0;
  }
}

/** Rows and columns of the n×n matrix at `offset` that are listed. */
function submatrix(fused: Float32Array, offset: number, n: number, kept: readonly number[]): Float32Array {
  const out = new Float32Array(kept.length * kept.length);
  kept.forEach((row, i) => {
    kept.forEach((column, j) => {
      out[i * kept.length + j] = fused[offset + row * n + column] ?? 0;
    });
  });
  return out;
}

/**
 * Back through a patch merging: a token's mass goes to its children, in equal parts, or in proportion to
 * `relevance` (on the finer grid, ≥ 0) where it is given and not all zero. Padding children get nothing.
 */
export function splitMerge(
  r: Float64Array,
  merge: NonNullable<Block["merge"]>,
  finer: number,
  relevance?: Float32Array,
): Float64Array {
  const out = new Float64Array(finer);
  for (let token = 0; token < r.length; token++) {
    const children: number[] = [];
    for (let k = 0; k < merge.count; k++) {
      const child = merge.children[token * merge.count + k] ?? -1;
      if (child >= 0) children.push(child);
    }
    const total = children.reduce((sum, child) => sum + (relevance?.[child] ?? 0), 0);
    for (const child of children) {
      const share = total > 0 ? (relevance?.[child] ?? 0) / total : 1 / children.length;
      out[child] = (out[child] ?? 0) + (r[token] ?? 0) * share;
    }
  }
  return out;
}
