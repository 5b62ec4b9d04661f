import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { averageRanks } from "./ranks.js";

describe("ranks", () => {
  it("start at 1, and ties share the mean of their places", () => {
    expect(averageRanks([30, 10, 20, 10, 30, 30])).toEqual({
      ranks: Float64Array.of(5, 1.5, 3, 1.5, 5, 5),
      ties: [2, 3],
    });
    expect(averageRanks([0, -0]).ranks).toEqual(Float64Array.of(1.5, 1.5));
    expect(averageRanks([])).toEqual({ ranks: new Float64Array(), ties: [] });
  });
  it("always add up to n (n + 1) / 2, and know nothing of the scale", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -9, max: 9 })), (values) => {
        const { ranks } = averageRanks(values);
        expect(ranks.reduce((a, b) => a + b, 0)).toBe((values.length * (values.length + 1)) / 2);
        expect(averageRanks(values.map((v) => Math.exp(v))).ranks).toEqual(ranks);
      }),
    );
  });
});
