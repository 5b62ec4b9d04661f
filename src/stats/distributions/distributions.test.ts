import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { expectClose, goldens } from "../testing/goldens.js";
import { incompleteBeta } from "./beta.js";
import { chiSquaredSurvival } from "./chi-squared.js";
import { fisherSurvival } from "./fisher.js";
import { upperGamma } from "./gamma.js";
import { integrate } from "./quadrature.js";
import { fallingTo } from "./root.js";
import { noncentralStudentBeyond, studentSurvival, studentUpperQuantile } from "./student.js";
import { rangeSurvival, rangeUpperQuantile } from "./studentised-range.js";

type Distribution = (a: number, b: number, c: number) => number;
const functions: Readonly<Record<string, Distribution>> = {
  upperGamma,
  incompleteBeta: (x, a, b) => incompleteBeta(x, 1 - x, a, b),
  studentSurvival,
  studentUpperQuantile,
  chiSquaredSurvival,
  fisherSurvival,
  rangeSurvival,
  rangeUpperQuantile,
  noncentralStudentBeyond,
};

describe("distributions", () => {
  it.each(Object.keys(goldens.distributions))("%s is SciPy's to ten digits, tails included", (name) => {
    for (const row of goldens.distributions[name] ?? []) {
      const [a = 0, b = 0, c = 0] = row;
      const value = functions[name]?.(a, b, c) ?? Number.NaN;
      const golden = row.at(-1) ?? Number.NaN;
      // Quantiles are greater than 1, so their digits count, not their places.
      const scale = Math.max(1, Math.abs(golden));
      expectClose(value / scale, golden / scale);
    }
  });

  it("have their limits at 0 and infinity", () => {
    expect(upperGamma(2, 0)).toBe(1);
    expect(chiSquaredSurvival(Number.POSITIVE_INFINITY, 3)).toBe(0);
    expect([incompleteBeta(0, 1, 2, 3), incompleteBeta(1, 0, 2, 3)]).toEqual([0, 1]);
    expect([studentSurvival(0, 5), studentUpperQuantile(0.5, 5)]).toEqual([0.5, 0]);
    expect([1e200, -1e200].map((t) => studentSurvival(t, 5))).toEqual([0, 1]);
    expect(fisherSurvival(0, 2, 6)).toBe(1);
    expect(rangeSurvival(0, 4)).toBe(1);
  });

  it("give shares that fall as the value rises", () => {
    const positive = fc.double({ min: 1e-3, max: 50, noNaN: true });
    fc.assert(
      fc.property(
        positive,
        positive,
        fc.integer({ min: 1, max: 300 }),
        fc.integer({ min: 1, max: 300 }),
        (x, step, n, m) => {
          for (const f of [
            (v: number) => chiSquaredSurvival(v, n),
            (v: number) => fisherSurvival(v, n, m),
            (v: number) => studentSurvival(v, n),
          ]) {
            const [near, far] = [f(x), f(x + step)];
            expect(near).toBeLessThanOrEqual(1);
            expect(far).toBeGreaterThanOrEqual(0);
            expect(far).toBeLessThanOrEqual(near + 1e-14);
          }
        },
      ),
      { numRuns: 200 },
    );
  });

  it("agree with each other where one is the other's special case", () => {
    for (const t of [0.3, 1.1, 4.5]) {
      expectClose(fisherSurvival(t * t, 1, 9), 2 * studentSurvival(t, 9));
      expectClose(chiSquaredSurvival(2 * t, 2), Math.exp(-t));
      expectClose(noncentralStudentBeyond(t, 9, 0), 2 * studentSurvival(t, 9));
      // The range of two normal variables is √2 times the absolute value of one.
      expectClose(rangeSurvival(t, 2), chiSquaredSurvival((t * t) / 2, 1));
    }
  });
});

describe("integration", () => {
  it("halves pieces until steps and peaks are found", () => {
    expect(integrate((x) => Math.exp(-x * x * 1e6), [-1, 0, 1])).toBeCloseTo(Math.sqrt(Math.PI / 1e6), 14);
    expect(integrate(Math.abs, [-1, 2])).toBeCloseTo(2.5, 10);
  });
});

describe("the root of a falling function", () => {
  it("is found to the last digit, small and large", () => {
    expect(fallingTo(-1e-9, (x) => -x)).toBeCloseTo(1e-9, 24);
    expect(fallingTo(-12345678, (x) => -x)).toBe(12345678);
  });
  it("is refused where there is none", () => {
    expect(() => fallingTo(0, () => 1)).toThrow(/does not fall/);
  });
});
