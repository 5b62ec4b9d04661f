import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { cohenDz, pairedSpread } from "./effect-size.js";
import { isUndefined } from "./outcome.js";
import { defined, expectClose, goldens } from "./testing/goldens.js";

describe("Cohen's d_z", () => {
  it("is the mean difference over its sample standard deviation", () => {
    const { x, y, dz } = goldens.effects;
    expectClose(defined(cohenDz(x, y)), dz);
    expect(pairedSpread([3, 5], [1, 1])).toEqual({ mean: 3, sd: Math.SQRT2 });
  });
  it("is undefined, with the reason, for less than two pairs and without spread", () => {
    expect(cohenDz([], [])).toEqual({ reason: expect.stringContaining("there are none") });
    expect(cohenDz([1], [0])).toEqual({ reason: expect.stringContaining("there is one") });
    // 0.3 − 0.1 and 0.4 − 0.2 differ in the last digit only.
    expect(cohenDz([0.3, 0.4], [0.1, 0.2])).toEqual({
      reason: expect.stringContaining("all differences are equal"),
    });
    expect(pairedSpread([0, 0], [0, 0])).toEqual({ mean: 0, sd: 0 });
  });
  it("changes its sign with the sides, and not with the unit", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -99, max: 99 }), { minLength: 2 }), (x) => {
        const zero = x.map(() => 0);
        const effect = cohenDz(x, zero);
        if (isUndefined(effect)) {
          expect(new Set(x).size).toBe(1);
          return;
        }
        expect(defined(cohenDz(zero, x)) + effect).toBe(0);
        expect(
          defined(
            cohenDz(
              x.map((v) => v * 16),
              zero,
            ),
          ),
        ).toBe(effect);
      }),
    );
  });
});
