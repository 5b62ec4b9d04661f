import { describe, expect, it } from "vitest";
import { meanWithInterval } from "./bootstrap.js";
import { statisticWithInterval } from "./bootstrap-statistic.js";
import { wilsonInterval } from "./wilson.js";

describe("Wilson's interval", () => {
  // test/oracle/classification_scores.py, statsmodels
  it.each([
    [0, 7, 0, 0.3543304350666875],
    [9, 12, 0.46769466506643426, 0.9110583316059453],
    [5, 5, 0.5655175352168252, 1],
    [960, 1000, 0.945990355878742, 0.9704890263145473],
  ])("is that of statsmodels for %i of %i", (hits, n, low, high) => {
    const interval = wilsonInterval(hits, n);
    expect(interval?.[0]).toBeCloseTo(low, 12);
    expect(interval?.[1]).toBeCloseTo(high, 12);
  });
  it("is undefined for no trials", () => {
    expect(wilsonInterval(0, 0)).toBeUndefined();
  });
});

describe("the bootstrap of any statistic", () => {
  const values = [0.1, 0.12, 0.15, 0.2, 0.22, 0.25, 0.3, 0.35, 0.5, 0.9, 1.4, 3.2];
  const mean = (times: Float64Array): number | undefined => {
    const total = times.reduce((a, b) => a + b, 0);
    return total === 0 ? undefined : values.reduce((s, v, i) => s + v * (times[i] ?? 0), 0) / total;
  };

  it.each([[undefined], [values.map((_, i) => `patient ${i >> 1}`)]])(
    "gives a mean the interval that the bootstrap of means does (groups: %j)",
    (groups) => {
      const options = { seed: 4, resamples: 500, ...(groups && { groups }) };
      const [one, other] = [
        statisticWithInterval(values.length, mean, options),
        meanWithInterval(values, options),
      ];
      expect(one.value).toBeCloseTo(other.mean ?? Number.NaN, 12);
      expect(one.interval?.[0]).toBeCloseTo(other.interval?.[0] ?? Number.NaN, 12);
      expect(one.interval?.[1]).toBeCloseTo(other.interval?.[1] ?? Number.NaN, 12);
    },
  );
  it("leaves out resamples that do not define the statistic", () => {
    const first = (times: Float64Array): number | undefined => (times[0] ? 1 + (times[1] ?? 0) : undefined);
    const { interval } = statisticWithInterval(3, first, { resamples: 200 });
    expect(interval?.every(Number.isFinite)).toBe(true);
  });
  it("says why there is none for one group and for no value", () => {
    expect(statisticWithInterval(2, () => 1, { groups: ["a", "a"] })).toMatchObject({
      value: 1,
      interval: undefined,
      reason: expect.stringContaining("two independent"),
    });
    expect(statisticWithInterval(2, () => 1)).toMatchObject({ value: 1, interval: undefined });
    expect(statisticWithInterval(0, () => undefined)).toMatchObject({
      value: undefined,
      reason: "no values",
    });
  });
});
