import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { kendallW } from "./concordance.js";
import { friedman } from "./friedman.js";
import { isUndefined } from "./outcome.js";
import { defined, expectClose, goldens } from "./testing/goldens.js";

describe("Friedman's test", () => {
  it.each(Object.entries(goldens.friedman))("is SciPy's for %s, ties and all", (_, golden) => {
    const test = defined(friedman(golden.scores, "higher"));
    test.meanRanks.forEach((rank, i) => {
      expectClose(rank, golden.meanRanks[i] ?? Number.NaN);
    });
    expectClose(test.chiSquared.statistic / 100, golden.chiSquared / 100);
    expectClose(test.chiSquared.p, golden.p);
    const f = defined(test.f);
    expectClose(f.statistic / 100, golden.f / 100);
    expectClose(f.p, golden.pOfF);
    expectClose(test.w, golden.w);
    expect(kendallW(golden.scores)).toMatchObject({
      p: test.chiSquared.p,
      judges: test.blocks,
      items: test.methods,
    });
    expectClose(defined(kendallW(golden.scores)).w, golden.w);
  });

  it("finds the mean ranks that Demšar prints for his example", () => {
    const { meanRanks } = defined(friedman(goldens.friedman.demsar?.scores ?? [], "higher"));
    expect(meanRanks.map((r) => r.toFixed(3))).toEqual(["3.143", "2.000", "2.893", "1.964"]);
  });

  it("gives the least score the first rank where lower is better", () => {
    const rows = [
      [1, 2, 3],
      [1, 3, 2],
    ];
    expect(friedman(rows, "lower")).toMatchObject({ meanRanks: [1, 2.5, 2.5] });
    expect(friedman(rows, "higher")).toMatchObject({ meanRanks: [3, 1.5, 1.5] });
  });

  it("says that F is infinite where all rows agree", () => {
    const rows = Array.from({ length: 7 }, (_, i) => [i, i + 0.1, i + 0.3]);
    expect(friedman(rows, "lower")).toMatchObject({
      w: 1,
      meanRanks: [1, 2, 3],
      f: { reason: expect.stringContaining("infinite") },
    });
  });

  it("says why where there is nothing to rank", () => {
    for (const rows of [[], [[1, 2, 3]], [[1], [2]]]) {
      expect(friedman(rows, "lower")).toEqual({
        reason: expect.stringContaining("at least two rows of two methods"),
      });
    }
    expect(
      friedman(
        [
          [1, 1],
          [2, 2],
        ],
        "lower",
      ),
    ).toEqual({ reason: "all 2 methods tie in each of the 2 rows" });
    expect(
      kendallW([
        [1, 1],
        [2, 2],
      ]),
    ).toHaveProperty("reason");
  });

  it("refuses rows that are not complete", () => {
    expect(() => friedman([[1, 2], [1]], "lower")).toThrow(/row 2 has 1 scores, and the first has 2/);
    expect(() =>
      friedman(
        [
          [1, 2],
          [1, Number.NaN],
        ],
        "lower",
      ),
    ).toThrow(/row 2 .* value 2 of 2 is NaN/);
  });

  it("has a p in [0, 1] and a W that neither the order of rows, a monotone change nor the direction alter", () => {
    const table = fc.integer({ min: 2, max: 6 }).chain((k) =>
      fc.array(fc.array(fc.integer({ min: 0, max: 9 }), { minLength: k, maxLength: k }), {
        minLength: 2,
        maxLength: 12,
      }),
    );
    fc.assert(
      fc.property(table, (rows) => {
        const test = friedman(rows, "lower");
        if (isUndefined(test)) {
          expect(rows.every((row) => new Set(row).size === 1)).toBe(true);
          return;
        }
        expect(test.w).toBeGreaterThanOrEqual(0);
        expect(test.w).toBeLessThanOrEqual(1);
        expect(test.chiSquared.p).toBeGreaterThanOrEqual(0);
        expect(test.chiSquared.p).toBeLessThanOrEqual(1);
        expect(friedman([...rows].reverse(), "lower")).toEqual(test);
        expect(
          friedman(
            rows.map((row, i) => row.map((v) => Math.exp(v) * (i + 1))),
            "lower",
          ),
        ).toEqual(test);
        expect(defined(friedman(rows, "higher")).w).toBe(test.w);
      }),
    );
  });
});
