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
}

/**
 * r·a for one n×n matrix F at `offset`, a = (F + residual·I) with rows divided by their sums; `real` marks the
 * tokens that exist (padding takes no part). A row without any weight keeps its mass. r is overwritten.
 */
export function pushRow(
  r: Float64Array,
  fused: Float32Array,
  offset: number,
  rule: LayerRule,
  real?: (token: number) => boolean,
): void {
  const n = r.length;
  const out = new Float64Array(n);
  const sums = rule.columnDefect ? rowSums(fused, offset, n) : undefined;
  for (let i = 0; i < n; i++) {
    const mass = r[i] ?? 0;
    if (mass === 0) continue;
    const row = offset + i * n;
    let sum = rule.residual;
    if (sums === undefined) {
      for (let j = 0; j < n; j++) if (real === undefined || real(j)) sum += fused[row + j] ?? 0;
      if (sum === 0) {
        out[i] = (out[i] ?? 0) + mass;
        continue;
      }
    }
    const share = sums === undefined ? mass / sum : mass;
    for (let j = 0; j < n; j++) {
      if (real === undefined || real(j)) out[j] = (out[j] ?? 0) + share * (fused[row + j] ?? 0);
    }
    out[i] = (out[i] ?? 0) + share * rule.residual;
  }
  if (sums !== undefined) {
    for (let j = 0; j < n; j++) out[j] = (out[j] ?? 0) / ((sums[j] ?? 0) + rule.residual);
  }
  r.set(out);
}

function rowSums(fused: Float32Array, offset: number, n: number): Float64Array {
  const sums = new Float64Array(n);
  for (let i = 0; i < n; i++) {
    let sum = 0;
    for (let j = 0; j < n; j++) sum += fused[offset + i * n + j] ?? 0;
    sums[i] = sum;
  }
  return sums;
}

/** The same for a windowed block: each window's part of r through that window's matrix. r is on the block's grid. */
export function pushWindows(
  r: Float64Array,
  fused: Float32Array,
  windows: WindowInfo,
  rule: LayerRule,
): void {
  const n = windows.window[0] * windows.window[1];
  const part = new Float64Array(n);
  for (let w = 0; w * n < windows.slots.length; w++) {
    const slot = (token: number): number => windows.slots[w * n + token] ?? -1;
    const real = (token: number): boolean => slot(token) >= 0;
    for (let i = 0; i < n; i++) part[i] = real(i) ? (r[slot(i)] ?? 0) : 0;
    pushRow(part, fused, w * n * n, rule, real);
    for (let i = 0; i < n; i++) if (real(i)) r[slot(i)] = part[i] ?? 0;
  }
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
