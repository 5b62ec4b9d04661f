import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isUndefined } from "./outcome.js";
import { spearmanRho } from "./spearman.js";
import { defined, expectClose, goldens } from "./testing/goldens.js";

describe("Spearman's rho", () => {
  it.each(goldens.correlations.map((golden) => [golden.x.length, golden] as const))(
    "is SciPy's for %i values",
    (_, { x, y, rho, rhoAsymptoticP, rhoExactP }) => {
      const found = defined(spearmanRho(x, y, "asymptotic"));
      expectClose(found.coefficient, rho);
      expectClose(found.p, rhoAsymptoticP);
      if (rhoExactP !== undefined) {
        expect(spearmanRho(x, y)).toMatchObject({ method: "exact", p: rhoExactP });
      }
    },
  );
  it("does not take a perfect order of three for proof", () => {
    expect(spearmanRho([1, 2, 3], [4, 5, 6], "asymptotic")).toMatchObject({ p: 0 });
    expect(spearmanRho([1, 2, 3], [4, 5, 6])).toMatchObject({ p: 1 / 3 });
    expect(spearmanRho([1, 2], [2, 1])).toMatchObject({ coefficient: -1, p: 1 });
  });
  it("counts orders up to nine values", () => {
    const upTo = (n: number) => Array.from({ length: n }, (_, i) => i);
    expect(spearmanRho(upTo(9), upTo(9))).toMatchObject({ method: "exact", p: 2 / 362880 });
    expect(spearmanRho(upTo(10), upTo(10))).toMatchObject({ method: "asymptotic" });
    expect(() => spearmanRho(upTo(10), upTo(10), "exact")).toThrow(/up to 9 values, and got 10/);
  });
  it("says why where there is none", () => {
    expect(spearmanRho([3], [4])).toEqual({ reason: expect.stringContaining("there is one") });
    expect(spearmanRho([3, 3], [4, 5])).toEqual({ reason: expect.stringContaining("are equal") });
    expect(spearmanRho([3, 4], [4, 5], "asymptotic")).toEqual({
      reason: expect.stringContaining("no degree of freedom"),
    });
  });
  it("lies in [-1, 1], with a p in [0, 1], and heeds neither order nor scale", () => {
    const pairs = fc.array(fc.tuple(fc.integer({ min: 0, max: 12 }), fc.integer({ min: 0, max: 12 })), {
      maxLength: 20,
    });
    fc.assert(
      fc.property(pairs, (list) => {
        const [x, y] = [list.map(([v]) => v), list.map(([, v]) => v)];
        // Counted orders take their time.
        const method = list.length > 6 ? "asymptotic" : "auto";
        const found = spearmanRho(x, y, method);
        if (isUndefined(found)) {
          expect(found.reason).not.toBe("");
          return;
        }
        expect(Math.abs(found.coefficient)).toBeLessThanOrEqual(1);
        expect(found.p).toBeGreaterThanOrEqual(0);
        expect(found.p).toBeLessThanOrEqual(1);
        expect(defined(spearmanRho(y, x, method)).p).toBeCloseTo(found.p, 12);
        expect(spearmanRho([...x].reverse(), [...y].reverse(), method)).toEqual(found);
        expect(spearmanRho(x.map(Math.exp), y, method)).toEqual(found);
        const turned = defined(
          spearmanRho(
            x.map((v) => -v),
            y,
            method,
          ),
        );
        expect(turned.coefficient + found.coefficient).toBe(0);
        expect(turned.p).toBe(found.p);
      }),
    );
  });
});
