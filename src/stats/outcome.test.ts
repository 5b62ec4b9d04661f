import { describe, expect, expectTypeOf, it } from "vitest";
import { type Finite, finite, isUndefined, requireFinite } from "./outcome.js";

describe("an outcome", () => {
  it("is the number, or the reason where there is none", () => {
    expect(finite(0.5, "never said")).toBe(0.5);
    expect(finite(0, "never said")).toBe(0);
    for (const value of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
      expect(finite(value, "p₀ is 0")).toEqual({ reason: "p₀ is 0" });
    }
  });
  it("is told apart by its reason", () => {
    expect([{ reason: "none" }, 0, null, { p: 1 }].map(isUndefined)).toEqual([true, false, false, false]);
  });
  it("takes no unchecked number for a finite one", () => {
    expectTypeOf<number>().not.toExtend<Finite>();
    expectTypeOf<Finite>().toExtend<number>();
  });
});

describe("values to test", () => {
  it("are refused by number where one is not finite", () => {
    expect(() => requireFinite([1, Number.NaN, 3], "first side")).toThrow("first side: value 2 of 3 is NaN");
    expect(() => requireFinite([Number.NEGATIVE_INFINITY], "x")).toThrow(/-Infinity/);
    expect(() => requireFinite([], "x")).not.toThrow();
  });
});
