/** @file A mean over images with its interval, from arrays in which images without a value are null. */
import { meanWithInterval, quantile } from "../../stats/bootstrap.js";
import type { StudyStatistics } from "../types.js";
import type { Estimate, Spread } from "./types.js";

export interface EstimateSettings extends StudyStatistics {
  readonly seed: number;
}

/** @param groupOf a label for each value; images of one label are drawn together */
export function estimate(
  values: readonly (number | null)[],
  groupOf: readonly string[],
  { level, resamples, seed }: EstimateSettings,
): Estimate {
  const present = values.flatMap((value, i) =>
    value === null ? [] : [{ value, group: groupOf[i] ?? `value ${i}` }],
  );
  const { mean, interval, n, groups, reason } = meanWithInterval(
    present.map((p) => p.value),
    { level, resamples, seed, groups: present.map((p) => p.group) },
  );
  return {
    mean: mean ?? null,
    interval: interval ?? null,
    n,
    groups,
    ...(reason === undefined ? {} : { reason }),
  };
}

/** How far the values lie apart; null without values. The deviation of one value is 0. */
export function spreadOf(values: readonly (number | null)[]): Spread | null {
  const sorted = Float64Array.from(values.filter((v) => v !== null)).sort();
  const n = sorted.length;
  if (n === 0) return null;
  const mean = sorted.reduce((s, v) => s + v, 0) / n;
  const squares = sorted.reduce((s, v) => s + (v - mean) ** 2, 0);
  const at = (share: number): number => quantile(sorted, share);
  return {
    deviation: n === 1 ? 0 : Math.sqrt(squares / (n - 1)),
    quantiles: [at(0), at(0.25), at(0.5), at(0.75), at(1)],
  };
}
