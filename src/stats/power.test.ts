import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { minimumDetectableDifference, pairedPower, pairsFor } from "./power.js";
import { describeSetSize } from "./set-size.js";
import { defined, expectClose, goldens } from "./testing/goldens.js";

describe("the power of a paired comparison", () => {
  it.each(goldens.power.power)(
    "is that of statsmodels for d_z %f, %i pairs, alpha %f",
    (effect, n, alpha, power) => {
      expectClose(pairedPower(effect, n, alpha), power);
      expectClose(pairedPower(-effect, n, alpha), power);
    },
  );
});

describe("the minimum detectable difference", () => {
  it.each(goldens.power.detectable)(
    "is that of statsmodels for %i pairs, alpha %f, power %f",
    (n, alpha, power, effect) => {
      const found = defined(minimumDetectableDifference(n, 2, { alpha, power }));
      expectClose(found / 2, effect);
      expectClose(pairedPower(found / 2, n, alpha), power);
    },
  );
  it("is undefined for one pair and without spread", () => {
    expect(minimumDetectableDifference(1, 2)).toEqual({
      reason: expect.stringContaining("one pair or none"),
    });
    expect(minimumDetectableDifference(9, 0)).toEqual({
      reason: expect.stringContaining("all differences are equal"),
    });
  });
  it("falls with the number of pairs and grows with their spread", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 2, max: 500 }),
        fc.double({ min: 0.01, max: 9, noNaN: true }),
        (n, sd) => {
          const found = defined(minimumDetectableDifference(n, sd));
          expect(found).toBeGreaterThan(0);
          expect(defined(minimumDetectableDifference(n + 1, sd))).toBeLessThan(found);
          expect(defined(minimumDetectableDifference(n, 2 * sd))).toBe(2 * found);
          expect(defined(pairsFor(found * (1 + 1e-9), sd))).toBe(n);
        },
      ),
      { numRuns: 5 },
    );
  });
});

describe("the number of pairs for a difference", () => {
  it.each(goldens.power.pairs)(
    "is that of statsmodels for d_z %f, alpha %f, power %f",
    (effect, alpha, power, n) => {
      expect(pairsFor(effect, 1, { alpha, power })).toBe(n);
      expect(pairsFor(-effect / 10, 0.1, { alpha, power })).toBe(n);
    },
  );
  it("is never below two, and undefined where it is out of reach or cannot be known", () => {
    expect(pairsFor(1e6, 1)).toBe(2);
    expect(pairsFor(1, 1e-310)).toBe(2);
    expect(pairsFor(1e-9, 1)).toEqual({ reason: expect.stringContaining("a million") });
    expect(pairsFor(1, 0)).toEqual({ reason: expect.stringContaining("all differences are equal") });
  });
});

describe("questions without sense", () => {
  it("are refused", () => {
    expect(() => pairedPower(0.5, 1)).toThrow(/at least two pairs, and not of 0.5 in 1/);
    expect(() => pairedPower(0.5, 9, 1)).toThrow(/alpha/);
    expect(() => pairsFor(0, 1)).toThrow(/other than 0/);
    expect(() => pairsFor(1, Number.NaN)).toThrow(/standard deviation/);
    expect(() => minimumDetectableDifference(2.5, 1)).toThrow(/whole/);
    expect(() => minimumDetectableDifference(9, 1, { alpha: 0 })).toThrow(/alpha/);
    expect(() => minimumDetectableDifference(9, 1, { alpha: 0.1, power: 0.05 })).toThrow(
      /power must lie between alpha/,
    );
  });
});

describe("the sentence on the size of a set", () => {
  it("says what it can tell", () => {
    expect(describeSetSize({ n: 78, sd: 0.1 })).toEqual({
      tooSmall: false,
      sentence:
        "With 78 images, a mean difference of 0.032 or more is found in 80 % of such studies (two-sided, α = 0.05).",
    });
    expect(describeSetSize({ n: 78, sd: 0.1, difference: -0.05 }).tooSmall).toBe(false);
  });
  it("says that it is too small for the difference that matters, and how many it takes", () => {
    expect(describeSetSize({ n: 78, sd: 0.1, difference: 0.01, what: "patients" })).toEqual({
      tooSmall: true,
      sentence:
        "78 patients are too few to tell a mean difference of 0.01: only a mean difference of 0.032 or more is found in 80 % of such studies (two-sided, α = 0.05); 787 would be needed.",
    });
    expect(describeSetSize({ n: 78, sd: 1, difference: 1e-9 }).sentence).toMatch(/more than a million/);
  });
  it("says that no test can succeed with fewer than six", () => {
    expect(describeSetSize({ n: 5, sd: 0.1 })).toEqual({
      tooSmall: true,
      sentence: "5 images are too few: no paired test can reach p ≤ 0.05 with fewer than 6.",
    });
    expect(describeSetSize({ n: 6, sd: 0.1 }).tooSmall).toBe(false);
  });
  it("admits that it cannot tell where nothing varies", () => {
    expect(describeSetSize({ n: 20, sd: 0 }).sentence).toMatch(
      /^What 20 images can tell is unknown: all differences/,
    );
  });
});
