/**
 * @file Bias-corrected and accelerated bootstrap intervals of a mean, resampled by group: images of one patient or
 * one near-duplicate cluster are not independent, so whole groups are drawn.
 * Efron, "Better bootstrap confidence intervals", JASA 1987; Efron & Tibshirani 1993, §14.3.
 */
import { uniform } from "../random.js";
import { normalCdf, normalQuantile } from "./distributions/normal.js";

export interface BootstrapOptions {
  /** Coverage, default 0.95. */
  readonly level?: number;
  /** Number of resamples, default 2000. */
  readonly resamples?: number;
  readonly seed?: number;
  /** A group label for each value; values without labels are their own group. */
  readonly groups?: readonly string[];
}

/** `interval` is undefined, with the reason, where the data cannot give one. */
export interface MeanEstimate {
  readonly mean: number | undefined;
  readonly interval: readonly [number, number] | undefined;
  readonly n: number;
  readonly groups: number;
  readonly reason?: string;
}

interface Cluster {
  readonly sum: number;
  readonly count: number;
}

export function meanWithInterval(values: readonly number[], options: BootstrapOptions = {}): MeanEstimate {
  const { level = 0.95, resamples = 2000, seed = 0 } = options;
  const n = values.length;
  if (n === 0) return { mean: undefined, interval: undefined, n, groups: 0, reason: "no values" };
  const clusters = clustersOf(values, options.groups);
  const mean = meanOf(clusters);
  const base = { mean, n, groups: clusters.length };
  if (clusters.length < 2) {
    return {
      ...base,
      interval: undefined,
      reason: "an interval needs at least two independent images or groups",
    };
  }
  // Leaving one out by subtraction: ten thousand groups would take a hundred million steps otherwise.
  const total = clusters.reduce((sum, c) => sum + c.sum, 0);
  const jack = clusters.map(({ sum, count }) => (total - sum) / (n - count));
  if (jack.every((v) => v === jack[0])) return { ...base, interval: [mean, mean] };

  const next = uniform(seed);
  const draws = new Float64Array(resamples);
  // Ten thousand groups are drawn from twenty million times: from arrays, not from objects all over the memory.
  const sums = Float64Array.from(clusters, ({ sum }) => sum);
  const counts = Float64Array.from(clusters, ({ count }) => count);
  for (let b = 0; b < resamples; b++) {
    let sum = 0;
    let count = 0;
    for (let k = 0; k < clusters.length; k++) {
      const drawn = Math.floor(next() * clusters.length);
      sum += sums[drawn] ?? 0;
      count += counts[drawn] ?? 0;
    }
    draws[b] = sum / count;
  }
  draws.sort();
  const [lower, upper] = bcaLevels(draws, jack, mean, level);
  return { ...base, interval: [quantile(draws, lower), quantile(draws, upper)] };
}

/** The two percentile levels of the BCa interval, from the bootstrap draws and the jackknife values. */
export function bcaLevels(
  draws: Float64Array,
  jackknife: readonly number[],
  estimate: number,
  level: number,
): readonly [number, number] {
  // Ties with the estimate count half, as SciPy does; kept inside (0, 1) so that the correction stays finite.
  let below = 0;
  for (const d of draws) below += d < estimate ? 1 : d === estimate ? 0.5 : 0;
  const share = Math.min(Math.max(below / draws.length, 0.5 / draws.length), 1 - 0.5 / draws.length);
  const bias = normalQuantile(share);
  const center = jackknife.reduce((s, v) => s + v, 0) / jackknife.length;
  let cubes = 0;
  let squares = 0;
  for (const v of jackknife) {
    cubes += (center - v) ** 3;
    squares += (center - v) ** 2;
  }
  const acceleration = cubes / (6 * squares ** 1.5);
  const adjusted = (p: number): number => {
    const z = bias + normalQuantile(p);
    return normalCdf(bias + z / (1 - acceleration * z));
  };
  return [adjusted((1 - level) / 2), adjusted((1 + level) / 2)];
}

function clustersOf(values: readonly number[], groups: readonly string[] | undefined): readonly Cluster[] {
  if (groups === undefined) return values.map((sum) => ({ sum, count: 1 }));
  const byLabel = new Map<string, { sum: number; count: number }>();
  values.forEach((value, i) => {
    const label = groups[i] ?? `#${i}`;
    const cluster = byLabel.get(label) ?? { sum: 0, count: 0 };
    byLabel.set(label, { sum: cluster.sum + value, count: cluster.count + 1 });
  });
  return [...byLabel.values()];
}

function meanOf(clusters: readonly Cluster[]): number {
  let sum = 0;
  let count = 0;
  for (const c of clusters) {
    sum += c.sum;
    count += c.count;
  }
  return sum / count;
}

/** Linear interpolation between order statistics (NumPy's default). `sorted` ascending. */
export function quantile(sorted: Float64Array, p: number): number {
  const place = p * (sorted.length - 1);
  const low = Math.floor(place);
  const a = sorted[low] ?? 0;
  const b = sorted[Math.min(low + 1, sorted.length - 1)] ?? a;
  return a + (b - a) * (place - low);
}
