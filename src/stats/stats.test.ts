import { describe, expect, it } from "vitest";
import { bcaLevels, meanWithInterval } from "./bootstrap.js";
import { normalCdf, normalQuantile } from "./distributions/normal.js";

describe("the normal distribution", () => {
  // scipy.stats.norm.cdf / ppf
  it.each([
    [-8, 6.220960574271785e-16],
    [-3.5, 0.00023262907903552504],
    [-1.96, 0.024997895148220435],
    [0, 0.5],
    [1, 0.8413447460685429],
    [2.9, 0.9981341866996161],
    [5, 0.9999997133484281],
  ])("has the cumulative value of SciPy at %f", (x, p) => {
    expect(Math.abs(normalCdf(x) - p)).toBeLessThan(1e-14);
    expect(Math.abs(normalCdf(x) / p - 1)).toBeLessThan(1e-11);
  });
  it.each([
    [1e-10, -6.361340902404056],
    [0.025, -1.9599639845400545],
    [0.5, 0],
    [0.9, 1.2815515655446004],
    [0.9999, 3.719016485455709],
  ])("has the quantile of SciPy at %f", (p, x) => {
    expect(Math.abs(normalQuantile(p) - x)).toBeLessThan(1e-11);
  });
});

describe("the BCa interval of a mean", () => {
  const skewed = [0.1, 0.12, 0.15, 0.2, 0.22, 0.25, 0.3, 0.35, 0.5, 0.9, 1.4, 3.2];

  it("agrees with scipy.stats.bootstrap(method='BCa') on a skewed sample", () => {
    // 200,000 resamples in SciPy: [0.31917, 1.47167]; ours has its own random numbers, so to Monte-Carlo error.
    const { interval, mean } = meanWithInterval(skewed, { resamples: 100_000, seed: 3 });
    expect(mean).toBeCloseTo(0.6408333, 6);
    expect(Math.abs((interval?.[0] ?? 0) - 0.31917)).toBeLessThan(0.01);
    expect(Math.abs((interval?.[1] ?? 0) - 1.47167)).toBeLessThan(0.03);
  });
  it("shifts its levels upwards for a right-skewed sample", () => {
    const jack = skewed.map((v) => (7.69 - v) / 11);
    const draws = Float64Array.from({ length: 1001 }, (_, i) => 0.3 + i / 1001);
    const [low, high] = bcaLevels(draws, jack, draws[500] ?? 0, 0.95);
    expect(low).toBeGreaterThan(0.025);
    expect(high).toBeGreaterThan(0.975);
  });
  it("is wider when the images come in groups that vary together", () => {
    const values = Array.from({ length: 40 }, (_, i) => Math.floor(i / 4) / 10);
    const groups = values.map((_, i) => `patient ${Math.floor(i / 4)}`);
    const width = (i: readonly [number, number] | undefined) => (i ? i[1] - i[0] : Number.NaN);
    const grouped = meanWithInterval(values, { groups });
    expect(grouped.groups).toBe(10);
    expect(width(grouped.interval)).toBeGreaterThan(1.6 * width(meanWithInterval(values).interval));
  });
  it("is the same for the same seed", () => {
    expect(meanWithInterval(skewed, { seed: 5 })).toEqual(meanWithInterval(skewed, { seed: 5 }));
  });
  it("is undefined with the reason for no value and for a single one", () => {
    expect(meanWithInterval([])).toMatchObject({ mean: undefined, interval: undefined, reason: "no values" });
    expect(meanWithInterval([0.4])).toMatchObject({ mean: 0.4, interval: undefined, n: 1 });
  });
  it("has no width when all values are equal", () => {
    expect(meanWithInterval([0.25, 0.25, 0.25]).interval).toEqual([0.25, 0.25]);
  });
});
