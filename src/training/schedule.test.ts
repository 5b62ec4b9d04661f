import { describe, expect, it } from "vitest";
import { averagingDecay } from "./ema.js";
import { learningRates, rampValues, type Schedule } from "./schedule.js";

const rates = (schedule: Schedule): number[] =>
  Array.from({ length: schedule.steps + 1 }, (_, step) => learningRates(schedule)(step));

describe("learning rates", () => {
  it("warm up linearly to the peak, whatever follows", () => {
    for (const kind of ["constant", "linear", "cosine"] as const) {
      expect(rates({ kind, peak: 8, warmup: 4, steps: 6 }).slice(0, 5)).toEqual([2, 4, 6, 8, 8]);
    }
  });

  it("stay, fall in a line, or fall as half a cosine, to the least behind the last step", () => {
    expect(rates({ kind: "constant", peak: 4, steps: 4 })).toEqual([4, 4, 4, 4, 4]);
    expect(rates({ kind: "linear", peak: 4, steps: 4 })).toEqual([4, 3, 2, 1, 0]);
    expect(rates({ kind: "linear", peak: 5, least: 1, steps: 4 })).toEqual([5, 4, 3, 2, 1]);
    const cosine = rates({ kind: "cosine", peak: 5, least: 1, steps: 4 });
    for (const [step, expected] of [5, 3 + Math.SQRT2, 3, 3 - Math.SQRT2, 1].entries()) {
      expect(cosine[step]).toBeCloseTo(expected, 12);
    }
  });

  it("may warm up from a rate of their own, the peak being the warm-up's last", () => {
    expect(rates({ kind: "constant", peak: 8, warmup: 5, start: 0, steps: 6 })).toEqual([
      0, 2, 4, 6, 8, 8, 8,
    ]);
    expect(rates({ kind: "constant", peak: 8, warmup: 1, start: 2, steps: 2 })).toEqual([2, 8, 8]);
  });

  it("stay the least behind the end", () => {
    expect(learningRates({ kind: "cosine", peak: 1, least: 0.25, steps: 2 })(9)).toBeCloseTo(0.25, 12);
  });

  it.each<[Schedule, RegExp]>([
    [{ kind: "cosine", peak: 1, start: 2, steps: 1 }, /start at a learning rate between 0 and 1, not at 2/],
    [{ kind: "cosine", peak: 0, steps: 1 }, /learning rate.*above 0, not 0/],
    [{ kind: "cosine", peak: Number.NaN, steps: 1 }, /not NaN/],
    [{ kind: "cosine", peak: 1, least: 2, steps: 1 }, /least.*not 2/],
    [{ kind: "cosine", peak: 1, steps: 0.5 }, /steps.*not 0.5/],
    [{ kind: "cosine", peak: 1, steps: 5, warmup: 6 }, /warm-up.*5, not 6/],
  ])("of %o are refused", (schedule, message) => {
    expect(() => learningRates(schedule)).toThrow(message);
  });
});

describe("the average's decay", () => {
  it("is constant, or approaches its value", () => {
    const warm = averagingDecay({ decay: 0.99, warmup: true });
    expect(averagingDecay({ decay: 0.99 })(1)).toBe(0.99);
    expect(warm(1)).toBe(0);
    expect(warm(8)).toBeCloseTo(0.75, 12);
    expect(warm(100_000)).toBe(0.99);
  });

  it("is refused where there is no average", () => {
    expect(() => averagingDecay({ decay: 1 })).toThrow(/below 1, not 1/);
  });
});

describe("ramps", () => {
  it("go from one value to the other along half a cosine, and stay", () => {
    const values = rampValues({ from: 1, to: 5, steps: 4 });
    for (const [step, expected] of [1, 3 - Math.SQRT2, 3, 3 + Math.SQRT2, 5, 5].entries())
      expect(values(step)).toBeCloseTo(expected, 12);
    expect(rampValues(0.3)(7)).toBe(0.3);
  });

  it("may lead an average to keep all that it has", () => {
    const decays = averagingDecay({ decay: { from: 0.5, to: 1, steps: 2 } });
    expect(decays(1)).toBe(0.5);
    expect(decays(2)).toBeCloseTo(0.75, 12);
    expect(decays(3)).toBe(1);
    expect(() => averagingDecay({ decay: { from: 0.5, to: 2, steps: 2 } })).toThrow(/not 2/);
    expect(() => averagingDecay({ decay: 1 })).toThrow(/not 1/);
  });
});
