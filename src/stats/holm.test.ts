import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { holm } from "./holm.js";
import { expectClose, goldens } from "./testing/goldens.js";

describe("Holm's correction", () => {
  it.each(goldens.holm)("is that of statsmodels for $p", ({ p, adjusted }) => {
    holm(p).forEach((value, i) => {
      expectClose(Number(value), adjusted[i] ?? Number.NaN);
    });
  });
  it("leaves comparisons that could not be made out of the count, with their reason", () => {
    const none = { reason: "none of the 3 pairs differ" };
    expect(holm([0.02, none, 0.03])).toEqual([0.04, none, 0.04]);
    expect(holm([none])).toEqual([none]);
    expect(holm([])).toEqual([]);
  });
  it("refuses what is no p-value", () => {
    expect(() => holm([0.2, Number.NaN])).toThrow("p-value 2 is NaN");
    expect(() => holm([1.2])).toThrow(/between 0 and 1/);
  });
  it("keeps the order of the p-values, lowers none, and stays within [0, 1]", () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0, max: 1, noNaN: true })), (p) => {
        const adjusted = holm(p).map(Number);
        const order = p.map((_, i) => i).sort((i, j) => (p[i] ?? 0) - (p[j] ?? 0));
        let last = 0;
        for (const i of order) {
          const value = adjusted[i] ?? Number.NaN;
          expect(value).toBeGreaterThanOrEqual(Math.max(last, p[i] ?? 0));
          expect(value).toBeLessThanOrEqual(1);
          last = value;
        }
        expect(holm([...p].reverse())).toEqual([...adjusted].reverse());
      }),
    );
  });
});
