/**
 * @file What many images' perturbation curves have in common: their mean, how sure it is and how far they lie apart,
 * point by point. A mean curve alone hides that some images do the opposite.
 */
import { quantile } from "../../stats/bootstrap.js";
import { normalQuantile } from "../../stats/distributions/normal.js";
import type { CurveSummary } from "./types.js";

/**
 * The curves' summary; null for none and for curves of different lengths.
 *
 * The interval's variance is that of a mean of dependent values: with r_g the sum of (y − ȳ) over group g of G,
 * G/(G − 1) · Σ r_g² / n² (the sandwich estimate of a clustered mean).
 *
 * @param groups a label for each curve
 */
export function summariseCurves(
  curves: readonly (readonly number[])[],
  groups: readonly string[],
  level: number,
): CurveSummary | null {
  const n = curves.length;
  const points = curves[0]?.length ?? 0;
  if (points === 0 || curves.some((c) => c.length !== points)) return null;
  const members = groupIndices(groups.slice(0, n));
  const z = normalQuantile(0.5 + level / 2);
  const at = Array.from({ length: points }, (_, i) => {
    const values = Float64Array.from(curves, (c) => c[i] ?? 0);
    const mean = values.reduce((s, v) => s + v, 0) / n;
    const half = z * clusteredError(values, mean, members);
    const sorted = values.sort();
    return { mean, half, lower: quantile(sorted, 0.25), upper: quantile(sorted, 0.75) };
  });
  return {
    points,
    n,
    mean: at.map((p) => p.mean),
    interval:
      members.length < 2
        ? null
        : { lower: at.map((p) => p.mean - p.half), upper: at.map((p) => p.mean + p.half) },
    quartiles: { lower: at.map((p) => p.lower), upper: at.map((p) => p.upper) },
  };
}

function clusteredError(values: Float64Array, mean: number, members: readonly (readonly number[])[]): number {
  const g = members.length;
  let squares = 0;
  for (const group of members) {
    let residual = 0;
    for (const i of group) residual += (values[i] ?? 0) - mean;
    squares += residual * residual;
  }
  return Math.sqrt((g / (g - 1)) * squares) / values.length;
}

function groupIndices(groups: readonly string[]): readonly (readonly number[])[] {
  const byLabel = new Map<string, number[]>();
  groups.forEach((label, i) => {
    const indices = byLabel.get(label);
    if (indices) indices.push(i);
    else byLabel.set(label, [i]);
  });
  return [...byLabel.values()];
}
