import { describe, expect, it } from "vitest";
import { movedCentre, sharpened, sumOf } from "./targets.js";

const softmax = (values: readonly number[]): number[] => {
  const e = values.map((value) => Math.exp(value - Math.max(...values)));
  const sum = e.reduce((a, b) => a + b, 0);
  return e.map((value) => value / sum);
};

describe("the teacher's word", () => {
  const centre = Float32Array.of(0.25, -0.5, 0);
  const sharpening = { centre, temperature: 0.5, divided: 0.125 };

  it("is centred and sharpened, row by row", () => {
    const logits = Float32Array.of(4, -8, 2, 1, 1, 40);
    const { targets, entropy } = sharpened(logits, 2, sharpening);
    const rows = [
      [0.5, -1, 0.25],
      [0.125, 0.125, 5],
    ].map((row) => softmax(row.map((value, i) => (value - (centre[i] ?? 0)) / 0.5)));
    rows.flat().forEach((value, i) => {
      expect(targets[i]).toBeCloseTo(value, 6);
    });
    const entropies = rows.map((row) => -row.reduce((sum, q) => sum + q * Math.log(q), 0));
    expect(entropy).toBeCloseTo(((entropies[0] ?? 0) + (entropies[1] ?? 0)) / 2, 6);
  });

  it("has the entropy of its images alone, and none where it is certain", () => {
    const logits = Float32Array.of(4, -8, 2, Number.NaN, 0, 0);
    expect(sharpened(logits, 1, sharpening).entropy).toBeGreaterThan(0);
    const { targets, entropy } = sharpened(Float32Array.of(8e4, 0, 0), 1, sharpening);
    expect([...targets]).toEqual([1, 0, 0]);
    expect(entropy).toBe(0);
  });

  it("moves the centre by the mean of both views' images", () => {
    const views = [
      Float32Array.of(8, 0, 0, 16, 0, 8, 99, 99, 99),
      Float32Array.of(0, 8, 0, 8, 0, 0, 99, 99, 99),
    ];
    const moved = movedCentre(centre, views, { images: 2, divided: 0.125, momentum: 0.75 });
    const means = [1, 0.25, 0.25];
    means.forEach((mean, i) => {
      expect(moved[i]).toBeCloseTo((centre[i] ?? 0) * 0.75 + mean * 0.25, 6);
    });
    expect(centre[0]).toBe(0.25);
  });

  it("is one target for a crop that no view is", () => {
    expect([...sumOf(Float32Array.of(0.5, 0.5), Float32Array.of(0.25, 0.75))]).toEqual([0.75, 1.25]);
  });
});
