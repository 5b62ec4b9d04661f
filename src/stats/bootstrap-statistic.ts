/**
 * @file Bias-corrected and accelerated bootstrap intervals of statistics that are no mean (balanced accuracy, F1,
 * calibration error): resampled by group, since images of one patient or one near-duplicate cluster are not
 * independent. Efron, "Better bootstrap confidence intervals", JASA 1987.
 */
import { uniform } from "../random.js";
import { type BootstrapOptions, bcaLevels, quantile } from "./bootstrap.js";

/** A statistic of items of which item i counts `times[i]` times; undefined where these items give none. */
export type WeightedStatistic = (times: Float64Array) => number | undefined;

/** `interval` is undefined, with the reason, where the data cannot give one. */
export interface StatisticEstimate {
  readonly value: number | undefined;
  readonly interval: readonly [number, number] | undefined;
  readonly reason?: string;
}

/** The statistic of `n` items with its interval; whole groups are drawn. */
export function statisticWithInterval(
  n: number,
  statistic: WeightedStatistic,
  options: BootstrapOptions = {},
): StatisticEstimate {
  const { level = 0.95, resamples = 2000, seed = 0 } = options;
  const value = statistic(new Float64Array(n).fill(1));
  if (value === undefined) return { value, interval: undefined, reason: "no values" };
  const groups = membersOf(n, options.groups);
  if (groups.length < 2) {
    return {
      value,
      interval: undefined,
      reason: "an interval needs at least two independent images or groups",
    };
  }
  const times = new Float64Array(n);
  const jackknife = groups.flatMap((members) => {
    times.fill(1);
    for (const i of members) times[i] = 0;
    return statistic(times) ?? [];
  });
  if (jackknife.every((v) => v === jackknife[0])) {
    // All right or all wrong: resampling these items cannot tell how far others may differ.
    return { value, interval: undefined, reason: "resampling gives no interval where all images agree" };
  }
  const next = uniform(seed);
  const draws: number[] = [];
  for (let b = 0; b < resamples; b++) {
    times.fill(0);
    for (let k = 0; k < groups.length; k++) {
      for (const i of groups[Math.floor(next() * groups.length)] ?? []) times[i] = (times[i] ?? 0) + 1;
    }
    const drawn = statistic(times);
    if (drawn !== undefined) draws.push(drawn);
  }
  const sorted = Float64Array.from(draws).sort();
  const [lower, upper] = bcaLevels(sorted, jackknife, value, level);
  return { value, interval: [quantile(sorted, lower), quantile(sorted, upper)] };
}

function membersOf(n: number, labels: BootstrapOptions["groups"]): readonly (readonly number[])[] {
  const byLabel = new Map<string, number[]>();
  for (let i = 0; i < n; i++) {
    const label = labels?.[i] ?? `#${i}`;
    const members = byLabel.get(label);
    if (members) members.push(i);
    else byLabel.set(label, [i]);
  }
  return [...byLabel.values()];
}
