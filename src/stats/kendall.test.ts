import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { kendallTau } from "./kendall.js";
import { isUndefined } from "./outcome.js";
import { defined, expectClose, goldens } from "./testing/goldens.js";

describe("Kendall's tau-b", () => {
  it.each(goldens.correlations.map((golden) => [golden.x.length, golden] as const))(
    "is SciPy's for %i values",
    (_, { x, y, tau, tauP, tauAsymptoticP }) => {
      const found = defined(kendallTau(x, y));
      expectClose(found.coefficient, tau);
      expectClose(found.p, tauP);
      expectClose(defined(kendallTau(x, y, "asymptotic")).p, tauAsymptoticP);
    },
  );
  it("chooses as SciPy does between the exact and the normal p", () => {
    const zigzag = (n: number) => Array.from({ length: n }, (_, i) => (i * 7) % n);
    const upTo = (n: number) => Array.from({ length: n }, (_, i) => i);
    const chosen = (x: readonly number[], y: readonly number[]) => defined(kendallTau(x, y)).method;
    expect(chosen(upTo(33), zigzag(33))).toBe("exact");
    expect(chosen(upTo(34), zigzag(34))).toBe("asymptotic");
    expect(chosen(upTo(200), upTo(200).reverse())).toBe("exact");
    expect(chosen([1, 1, 2], [1, 2, 3])).toBe("asymptotic");
  });
  it("says why where there is no order to compare", () => {
    expect(kendallTau([], [])).toEqual({ reason: expect.stringContaining("there are none") });
    expect(kendallTau([1], [1])).toEqual({ reason: expect.stringContaining("there is one") });
    expect(kendallTau([1, 2, 3], [5, 5, 5])).toEqual({
      reason: expect.stringContaining("all 3 values of one list"),
    });
    expect(kendallTau([1, 2], [1, 2])).toMatchObject({ coefficient: 1, p: 1 });
    expect(kendallTau([1, 2], [1, 2], "asymptotic")).toMatchObject({ coefficient: 1 });
  });
  it("refuses lists that do not pair, and an exact p that it does not have", () => {
    expect(() => kendallTau([1, 2], [1])).toThrow(/got 2 and 1/);
    expect(() => kendallTau([1, 1, 2], [1, 2, 3], "exact")).toThrow(/without ties/);
    const many = Array.from({ length: 101 }, (_, i) => i);
    expect(() => kendallTau(many, many, "exact")).toThrow(/up to 100 values, and got 101/);
  });
  it("lies in [-1, 1], with a p in [0, 1], and heeds neither order nor scale", () => {
    const pairs = fc.array(fc.tuple(fc.integer({ min: 0, max: 12 }), fc.integer({ min: 0, max: 12 })), {
      maxLength: 20,
    });
    fc.assert(
      fc.property(pairs, (list) => {
        const [x, y] = [list.map(([v]) => v), list.map(([, v]) => v)];
        const found = kendallTau(x, y);
        if (isUndefined(found)) {
          expect(found.reason).not.toBe("");
          return;
        }
        expect(Math.abs(found.coefficient)).toBeLessThanOrEqual(1);
        expect(found.p).toBeGreaterThanOrEqual(0);
        expect(found.p).toBeLessThanOrEqual(1);
        expect(defined(kendallTau(y, x)).p).toBeCloseTo(found.p, 13);
        expect(kendallTau([...x].reverse(), [...y].reverse())).toEqual(found);
        expect(kendallTau(x.map(Math.exp), y)).toEqual(found);
        const turned = defined(
          kendallTau(
            x.map((v) => -v),
            y,
          ),
        );
        expect(turned.coefficient + found.coefficient).toBe(0);
        expect(turned.p).toBe(found.p);
      }),
    );
  });
});
