import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { argmax, softmax, topPredictions } from "./prediction.js";

describe("softmax", () => {
  it("sums to 1 and keeps the order, also for logits that overflow exp", () => {
    fc.assert(
      fc.property(fc.array(fc.float({ min: -1e4, max: 1e4, noNaN: true }), { minLength: 1 }), (logits) => {
        const p = softmax(logits);
        expect(p.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 12);
        expect(p[argmax(logits)]).toBe(Math.max(...p));
      }),
    );
    expect([...softmax([1e6, 1e6])]).toEqual([0.5, 0.5]);
  });
});

describe("predictions", () => {
  it("are the most probable classes, most probable first, the first of equals before", () => {
    const top = topPredictions([0, 2, 2, 1], ["a", "b", "c", "d"], 3);
    expect(top.map((p) => p.label)).toEqual(["b", "c", "d"]);
    expect(topPredictions([1], ["a"])).toEqual([{ index: 0, label: "a", probability: 1 }]);
    expect(argmax([1, 3, 3])).toBe(1);
  });
});
