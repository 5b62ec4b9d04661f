import { describe, expect, it } from "vitest";
import { minMax } from "./map.js";

describe("a map from its least to its largest value", () => {
  it.each([
    [0.75, 0.875, 1],
    [0, 0.5, 1],
  ])("reaches from nothing to all, however narrow its own range is: %f, %f, %f", (...values) => {
    const [least, middle, largest] = minMax(Float32Array.from(values));
    expect(least).toBe(0);
    expect(middle).toBeCloseTo(0.5, 6);
    expect(largest).toBeCloseTo(1, 6);
  });

  it("is nothing where it is even", () => {
    expect([...minMax(Float32Array.of(0.3, 0.3))]).toEqual([0, 0]);
  });
});
