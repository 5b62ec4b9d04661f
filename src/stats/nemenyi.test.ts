import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { friedman } from "./friedman.js";
import { nemenyi } from "./nemenyi.js";
import { defined, expectClose, goldens } from "./testing/goldens.js";

describe("Nemenyi's test", () => {
  it.each(Object.entries(goldens.friedman))("has the p-values of scikit-posthocs for %s", (_, golden) => {
    const test = defined(friedman(golden.scores, "higher"));
    const { p } = nemenyi(test);
    golden.nemenyi.forEach((row, i) => {
      row.forEach((value, j) => {
        expectClose(p[i]?.[j] ?? Number.NaN, value);
      });
    });
    for (const [alpha, difference] of Object.entries(golden.criticalDifference)) {
      expectClose(nemenyi(test, Number(alpha)).criticalDifference, difference);
    }
  });

  it("has the critical differences that Demšar prints: 1.25 at 0.05 and 1.12 at 0.10", () => {
    const test = defined(friedman(goldens.friedman.demsar?.scores ?? [], "higher"));
    expect([0.05, 0.1].map((a) => nemenyi(test, a).criticalDifference.toFixed(2))).toEqual(["1.25", "1.12"]);
  });

  it("groups methods that do not differ into the fewest and largest bars", () => {
    const ranked = (meanRanks: readonly number[]) =>
      nemenyi({ meanRanks, blocks: 30, methods: meanRanks.length });
    // Five methods on 30 blocks: ranks that lie less than 1.11 apart.
    expect(ranked([1.2, 4.6, 2.0, 3.0, 4.2]).groups).toEqual([
      [0, 2],
      [2, 3],
      [4, 1],
    ]);
    expect(ranked([2.4, 2.5, 2.6, 2.5]).groups).toEqual([[0, 1, 3, 2]]);
    expect(ranked([1, 3.5, 2.25, 4.75]).groups).toEqual([]);
  });

  it("refuses a level outside (0, 1)", () => {
    for (const alpha of [0, 1, Number.NaN]) {
      expect(() => nemenyi({ meanRanks: [1, 2], blocks: 4, methods: 2 }, alpha)).toThrow(
        /alpha must lie between/,
      );
    }
  });

  it("finds in one group only pairs whose p is above the level", () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 1, max: 6, noNaN: true }), { minLength: 2, maxLength: 6 }),
        fc.integer({ min: 2, max: 40 }),
        (meanRanks, blocks) => {
          const test = nemenyi({ meanRanks, blocks, methods: meanRanks.length });
          const together = (i: number, j: number) => test.groups.some((g) => g.includes(i) && g.includes(j));
          test.p.forEach((row, i) => {
            row.forEach((p, j) => {
              expect(p).toBe(test.p[j]?.[i]);
              expect(p).toBeGreaterThanOrEqual(0);
              expect(p).toBeLessThanOrEqual(1);
              if (i !== j && Math.abs(p - test.alpha) > 1e-9) expect(together(i, j)).toBe(p > test.alpha);
            });
          });
        },
      ),
      { numRuns: 12 },
    );
  });
});
