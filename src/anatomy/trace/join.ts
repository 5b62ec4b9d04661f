/** @file What the computing rules share: unions of tokens along axes and over operands. */
import { combine, expand, type IndexTensor, reduce } from "./index-tensor.js";
import type { TraceContext } from "./rule.js";

/** from, …, to − 1. */
export const range = (from: number, to: number): number[] =>
  Array.from({ length: to - from }, (_, i) => from + i);

/** One token of all that stand along the axes, which keep length 1. */
export function joined(c: TraceContext, x: IndexTensor, axes: readonly number[]): IndexTensor {
  return reduce(x, axes, (ids) => c.origins.unionOf(ids));
}

/** The union of tensors that broadcast to dims. */
export function united(
  c: TraceContext,
  parts: readonly IndexTensor[],
  dims: readonly number[],
): readonly IndexTensor[] | string {
  const wide = parts.map((p) => expand(p, dims)).filter((p) => p !== undefined);
  const only = wide[0];
  if (only === undefined || wide.length < parts.length) return "combines shapes that do not fit";
  if (wide.length === 1) return [only];
  return [wide.reduce((x, y) => combine(x, y, (a, b) => c.origins.union(a, b)))];
}
