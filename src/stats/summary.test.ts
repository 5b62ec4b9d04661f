import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { completeRows } from "./complete-rows.js";
import { finite } from "./outcome.js";
import { summarise } from "./summary.js";

const value = (v: number) => finite(v, "not a number");
const blank = { reason: "the clean image's probability is 0" };
const missing = { reason: "the model failed" };

describe("a summary", () => {
  it("is of the defined values alone, and counts the others by reason", () => {
    const found = summarise(
      [value(4), blank, value(1), missing, value(2), blank, value(Number.NaN)],
      [0, 0.25, 1],
    );
    expect(found).toEqual({
      n: 3,
      undefined: [
        { reason: blank.reason, count: 2 },
        { reason: "not a number", count: 1 },
        { reason: missing.reason, count: 1 },
      ],
      mean: 7 / 3,
      sd: expect.closeTo(1.5275252316519468, 14),
      median: 2,
      quantiles: [
        { share: 0, value: 1 },
        { share: 0.25, value: 1.5 },
        { share: 1, value: 4 },
      ],
    });
  });
  it("gives the reasons where no value is defined", () => {
    expect(summarise([]).mean).toEqual({ reason: "there are no values" });
    const found = summarise([blank, missing, blank]);
    const reason = `no value is defined: ${blank.reason} (2), ${missing.reason} (1)`;
    expect(found).toMatchObject({ n: 0, mean: { reason }, sd: { reason }, median: { reason } });
    expect(found.quantiles.map((q) => q.value)).toEqual(Array.from({ length: 5 }, () => ({ reason })));
  });
  it("has no spread for a single value", () => {
    expect(summarise([value(3)])).toMatchObject({
      mean: 3,
      median: 3,
      sd: { reason: "a single value has no spread" },
    });
  });
  it("says so where a sum overflows", () => {
    expect(summarise([value(1.5e308), value(1.5e308)]).mean).toEqual({
      reason: expect.stringContaining("too large"),
    });
  });
  it("refuses shares outside [0, 1]", () => {
    expect(() => summarise([value(1)], [0.5, 95])).toThrow(/between 0 and 1, and is 95/);
  });
  it("does not depend on the order, to the last digit, and never holds NaN", () => {
    const outcomes = fc.array(fc.oneof(fc.double().map(value), fc.constantFrom(blank, missing)));
    fc.assert(
      fc.property(outcomes, (list) => {
        const found = summarise(list);
        expect(summarise([...list].reverse())).toEqual(found);
        expect(found.n + found.undefined.reduce((s, { count }) => s + count, 0)).toBe(list.length);
        for (const outcome of [found.mean, found.sd, found.median, ...found.quantiles.map((q) => q.value)]) {
          expect(typeof outcome === "number" ? Number.isFinite(outcome) : outcome.reason !== "").toBe(true);
        }
      }),
    );
  });
});

describe("complete rows", () => {
  it("are those with a value in every column; the others are counted by reason", () => {
    expect(
      completeRows([
        [value(1), value(2)],
        [blank, missing],
        [value(3), missing],
        [value(5), value(6)],
      ]),
    ).toEqual({
      rows: [0, 3],
      values: [
        [1, 2],
        [5, 6],
      ],
      leftOut: [
        { reason: blank.reason, count: 1 },
        { reason: missing.reason, count: 1 },
      ],
    });
    expect(completeRows([])).toEqual({ rows: [], values: [], leftOut: [] });
  });
});
