import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isUndefined } from "./outcome.js";
import { defined, expectClose, goldens } from "./testing/goldens.js";
import { wilcoxon } from "./wilcoxon.js";

const somePairs = fc.array(fc.tuple(fc.integer({ min: -6, max: 6 }), fc.integer({ min: -6, max: 6 })), {
  maxLength: 40,
});
const sides = (pairs: readonly (readonly [number, number])[]) =>
  [pairs.map(([x]) => x), pairs.map(([, y]) => y)] as const;

describe("Wilcoxon's signed-rank test", () => {
  it.each(goldens.wilcoxon.map((golden) => [golden.x.length, golden.options, golden] as const))(
    "is SciPy's for %i pairs with %j",
    (_, options, { x, y, p, statistic, absZ }) => {
      const test = defined(wilcoxon(x, y, options));
      expectClose(test.p, p);
      expect(Math.min(test.positive, test.negative)).toBe(statistic);
      if (absZ !== null) expectClose(Math.abs(test.z ?? Number.NaN), absZ);
    },
  );

  it("chooses as SciPy does between the exact and the normal p", () => {
    const line = (n: number, from: number) =>
      Array.from({ length: n }, (_, i) => (i + from) * (i % 2 ? 1 : -1));
    const nothing = (n: number) => Array.from({ length: n }, () => 0);
    const chosen = (n: number, from: number) => defined(wilcoxon(line(n, from), nothing(n))).method;
    expect([chosen(50, 1), chosen(51, 1)]).toEqual(["exact", "asymptotic"]);
    // The first of these differences is 0.
    expect([chosen(13, 0), chosen(14, 0)]).toEqual(["exact", "asymptotic"]);
  });

  it("has an exact p for ties too: that of all sign changes", () => {
    const differences = [1, 1, -2, 2, 3, 3, 0, -1];
    const magnitude = [2, 2, 4.5, 4.5, 6.5, 6.5, 2];
    const sums = Array.from({ length: 2 ** 7 }, (_, bits) =>
      magnitude.reduce((s, r, i) => s + ((bits >> i) & 1 ? r : 0), 0),
    );
    const negative = 4.5 + 2;
    const p = (2 * sums.filter((s) => s <= negative).length) / sums.length;
    const test = defined(
      wilcoxon(
        differences,
        differences.map(() => 0),
        { method: "exact" },
      ),
    );
    expect(test).toMatchObject({ p, negative, zeros: 1, pairs: 8 });
  });

  it("gives the rank-biserial correlation as effect, ±1 where all differences have one sign", () => {
    expect(wilcoxon([2, 3, 4], [1, 1, 1])).toMatchObject({ rankBiserial: 1, p: 0.25 });
    expect(wilcoxon([1, 1, 1], [2, 3, 4])).toMatchObject({ rankBiserial: -1, p: 0.25 });
    // Kerby 2014: favourable less unfavourable share of the rank sum.
    expect(wilcoxon([3, 0, 2], [0, 2, 1])).toMatchObject({ rankBiserial: (4 - 2) / 6 });
  });

  it("says why where there is nothing to test", () => {
    expect(wilcoxon([], [])).toEqual({ reason: "there are no pairs to compare" });
    expect(wilcoxon([1, 2], [1, 2])).toEqual({ reason: "none of the 2 pairs differ" });
    expect(wilcoxon([1, 2], [1, 2], { zeros: "pratt", method: "asymptotic" })).toHaveProperty("reason");
  });

  it("refuses what cannot be paired, and an exact test that would take too long", () => {
    expect(() => wilcoxon([1, 2], [1])).toThrow(/same images on both sides, and got 2 and 1/);
    expect(() => wilcoxon([1, Number.NaN], [1, 2])).toThrow(/first side: value 2 of 2 is NaN/);
    const many = Array.from({ length: 1001 }, (_, i) => i + 1);
    expect(() =>
      wilcoxon(
        many,
        many.map(() => 0),
        { method: "exact" },
      ),
    ).toThrow(/up to 1000 pairs/);
  });

  it("has a p in (0, 1] that neither order, sides nor the unit change", () => {
    fc.assert(
      fc.property(
        somePairs,
        fc.constantFrom("wilcox" as const, "pratt" as const),
        fc.constantFrom("auto" as const, "exact" as const, "asymptotic" as const),
        fc.boolean(),
        (pairs, zeros, method, continuity) => {
          const options = { zeros, method, continuity };
          const [x, y] = sides(pairs);
          const test = wilcoxon(x, y, options);
          if (isUndefined(test)) {
            expect(x).toEqual(y);
            return;
          }
          expect(test.p).toBeGreaterThan(0);
          expect(test.p).toBeLessThanOrEqual(1);
          expect(wilcoxon(...sides([...pairs].reverse()), options)).toEqual(test);
          const swapped = defined(wilcoxon(y, x, options));
          expect(swapped).toMatchObject({ p: test.p, positive: test.negative, negative: test.positive });
          expect(swapped.rankBiserial + test.rankBiserial).toBe(0);
          expect(
            wilcoxon(
              x.map((v) => 4 * v),
              y.map((v) => 4 * v),
              options,
            ),
          ).toEqual(test);
        },
      ),
    );
  });
});
