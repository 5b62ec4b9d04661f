import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isUndefined } from "./outcome.js";
import { signFlipTest } from "./sign-flip.js";
import { defined, expectClose, goldens } from "./testing/goldens.js";

describe("the sign-flip test", () => {
  it.each(
    goldens.signFlip.exact.map((golden) => [golden.x.length, golden.groups?.length ?? 0, golden] as const),
  )(
    "is SciPy's exact permutation test for %i pairs (%i of them in groups)",
    (_n, _groups, { x, y, groups, p }) => {
      const test = defined(signFlipTest(x, y, groups ? { groups } : {}));
      expect(test.method).toBe("exact");
      expectClose(test.p, p);
      expect(test.groups).toBe(groups ? new Set(groups).size : x.length);
    },
  );

  it("comes as close as its resamples allow where there are too many pairs", () => {
    const { x, y, p } = goldens.signFlip.monteCarlo;
    const resamples = 40_000;
    const test = defined(signFlipTest(x, y, { resamples, seed: 7 }));
    expect(test.method).toBe("monte-carlo");
    expect(Math.abs(test.p - p)).toBeLessThan(4 * Math.sqrt((p * (1 - p)) / resamples) + 1 / resamples);
    expect(signFlipTest(x, y, { seed: 1 })).toEqual(signFlipTest(x, y, { seed: 1 }));
  });

  it("is exact up to 30 groups, and close to the Monte Carlo p with one more", () => {
    const x = Array.from({ length: 31 }, (_, i) => ((i * 37) % 19) - 7.5);
    const zero = x.map(() => 0);
    const exact = defined(signFlipTest(x.slice(0, 30), zero.slice(0, 30)));
    expect(exact.method).toBe("exact");
    // A pair that does not differ changes nothing.
    const more = defined(signFlipTest([...x.slice(0, 30), 0], zero, { resamples: 20_000 }));
    expect(more.method).toBe("monte-carlo");
    expect(Math.abs(more.p - exact.p)).toBeLessThan(4 * Math.sqrt(exact.p / 20_000));
  });

  it("is never 0 by Monte Carlo", () => {
    const x = Array.from({ length: 60 }, (_, i) => i + 1);
    expect(
      signFlipTest(
        x,
        x.map(() => 0),
        { resamples: 99 },
      ),
    ).toMatchObject({ p: 0.01, meanDifference: 30.5 });
  });

  it("is less sure where the images come from few patients", () => {
    const x = Array.from({ length: 12 }, (_, i) => 1 + i / 10);
    const zero = x.map(() => 0);
    const groups = x.map((_, i) => `patient ${i % 4}`);
    expect(defined(signFlipTest(x, zero)).p).toBe(2 ** -11);
    expect(signFlipTest(x, zero, { groups })).toMatchObject({ p: 2 ** -3, pairs: 12, groups: 4 });
  });

  it("takes sums that differ by rounding alone for equal", () => {
    // 0.1 + 0.2 − 0.3 and its likes are not quite 0.
    const x = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6];
    const tenfold = x.map((v) => Math.round(10 * v));
    const zero = x.map(() => 0);
    const signs = [1, 1, -1, 1, -1, 1];
    const signed = (values: readonly number[]) => values.map((v, i) => v * (signs[i] ?? 1));
    expect(defined(signFlipTest(signed(x), zero)).p).toBe(defined(signFlipTest(signed(tenfold), zero)).p);
  });

  it("is undefined without pairs, and 1 where none differ", () => {
    expect(signFlipTest([], [])).toEqual({ reason: "there are no pairs to compare" });
    expect(signFlipTest([1, 2], [1, 2])).toMatchObject({ p: 1, meanDifference: 0 });
    expect(signFlipTest([1], [2])).toMatchObject({ p: 1 });
  });

  it("refuses labels and resamples that cannot be", () => {
    expect(() => signFlipTest([1, 2], [0, 0], { groups: ["a"] })).toThrow(
      /2 pairs need as many group labels, and got 1/,
    );
    for (const resamples of [0, 1.5, Number.NaN]) {
      expect(() => signFlipTest([1], [0], { resamples })).toThrow(/whole number/);
    }
  });

  it("has an exact p in (0, 1] that neither order, sides nor the unit change, and a group for each pair is none", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -20, max: 20 }), { maxLength: 14 }), (differences) => {
        const zero = differences.map(() => 0);
        const test = signFlipTest(differences, zero);
        if (isUndefined(test)) {
          expect(differences).toEqual([]);
          return;
        }
        expect(test.p).toBeGreaterThan(0);
        expect(test.p).toBeLessThanOrEqual(1);
        expect(defined(signFlipTest(zero, differences)).p).toBe(test.p);
        expect(defined(signFlipTest([...differences].reverse(), zero)).p).toBe(test.p);
        expect(
          defined(
            signFlipTest(
              differences.map((v) => 8 * v),
              zero,
            ),
          ).p,
        ).toBe(test.p);
        expect(signFlipTest(differences, zero, { groups: differences.map((_, i) => `${i}`) })).toEqual(test);
      }),
    );
  });
});
