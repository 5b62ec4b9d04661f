import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { auc } from "./auc.js";
import { controlMap, invertedMap } from "./controls.js";
import { deletion } from "./deletion.js";
import { insertion } from "./insertion.js";
import type { EvaluationPlan, MetricSubject } from "./metric.js";
import { patchOrder, pixelOrder, shuffleTies, stableDescending, tiedFraction } from "./order.js";
import { metricFromSpec } from "./registry.js";

const finite = fc.float({ noNaN: true, noDefaultInfinity: true });

function subject(map: Float32Array, side = 4): MetricSubject {
  const area = side * side;
  return {
    image: {
      data: Float32Array.from({ length: 3 * area }, (_, i) => i + 1),
      channels: 3,
      height: side,
      width: side,
    },
    map,
    blurred: () => Float32Array.from({ length: 3 * area }, (_, i) => -(i + 1)),
    grid: [2, 2],
    seed: 1,
    black: [-2, -2.1, -2.2],
  };
}

function inputs(plan: EvaluationPlan, size: number): Float32Array[] {
  return Array.from({ length: plan.count }, (_, i) => {
    const target = new Float32Array(size);
    plan.write(i, target);
    return target;
  });
}

describe("the order of pixels", () => {
  it("is descending and stable", () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(finite, fc.constantFrom(0, -0, 1)), { maxLength: 300 }), (values) => {
        const map = Float32Array.from(values);
        const expected = Array.from(map.keys()).sort((a, b) => (map[b] ?? 0) - (map[a] ?? 0) || a - b);
        expect([...stableDescending(map)]).toEqual(expected);
      }),
    );
  });
  it("knows its plateaus", () => {
    const order = pixelOrder(Float32Array.of(0, 1, 0, 2, 0));
    expect([...order.pixels]).toEqual([3, 1, 0, 2, 4]);
    expect([...order.runs]).toEqual([0, 1, 2, 5]);
    expect(tiedFraction(order)).toBe(0.6);
  });
  it("shuffles only within plateaus", () => {
    const shuffled = shuffleTies(pixelOrder(Float32Array.from({ length: 64 }, (_, i) => i % 4)), 9);
    const levels = [...shuffled.pixels].map((p) => p % 4);
    expect(levels).toEqual([...levels].sort((a, b) => b - a));
    expect([...shuffled.pixels].sort((a, b) => a - b)).toEqual(Array.from({ length: 64 }, (_, i) => i));
  });
  it("ranks whole patches, also where the grid does not divide the image", () => {
    const map = new Float32Array(7 * 5).fill(0);
    map[34] = 1;
    const order = patchOrder(map, [7, 5], [2, 2]);
    expect([...order.pixels].sort((a, b) => a - b)).toEqual(Array.from({ length: 35 }, (_, i) => i));
    expect([...order.pixels.subarray(0, 12)]).toEqual([17, 18, 19, 22, 23, 24, 27, 28, 29, 32, 33, 34]);
  });
});

describe("the area under the curve", () => {
  it("is RISE's trapezoid rule", () => {
    expect(auc([1, 0.5, 0])).toBe(0.5);
    expect(auc([1, 1, 1, 1])).toBe(1);
    expect(auc([0.2, 0.4, 0.9, 0.5])).toBeCloseTo((0.1 + 0.4 + 0.9 + 0.25) / 3, 15);
  });
});

describe("deletion", () => {
  const map = Float32Array.from({ length: 16 }, (_, i) => i);
  it("goes from the image to the baseline, most important pixels first, in all channels", () => {
    const plan = deletion({ step: 5 }).plan(subject(map));
    const rows = inputs(plan, 48);
    expect(plan.count).toBe(5);
    expect([...(rows[0] ?? [])]).toEqual([...subject(map).image.data]);
    expect([...(rows[1] ?? [])].slice(8, 16)).toEqual([9, 10, 11, 0, 0, 0, 0, 0]);
    expect([...(rows[1] ?? [])].slice(40, 48)).toEqual([41, 42, 43, 0, 0, 0, 0, 0]);
    expect([...(rows[4] ?? [])].every((v) => v === 0)).toBe(true);
  });
  it("offers named baselines", () => {
    const last = (baseline: "black" | "mean" | "blur" | "noise") =>
      inputs(deletion({ step: 16, baseline }).plan(subject(map)), 48)[1] ?? new Float32Array();
    expect(last("black")[20]).toBe(Math.fround(-2.1));
    expect(last("mean")[0]).toBe(8.5);
    expect(last("blur")[3]).toBe(-4);
    expect(new Set(last("noise")).size).toBeGreaterThan(40);
  });
  it("has as many points as the image's width needs by default", () => {
    expect(deletion().plan(subject(map)).count).toBe(5);
  });
});

describe("insertion", () => {
  it("goes from the blurred image to the image", () => {
    const rows = inputs(
      insertion({ step: 15 }).plan(subject(Float32Array.from({ length: 16 }, (_, i) => -i))),
      48,
    );
    expect(rows).toHaveLength(3);
    expect([...(rows[0] ?? [])].every((v) => v < 0)).toBe(true);
    expect(rows[1]?.[15]).toBe(-16);
    expect(rows[1]?.[14]).toBe(15);
    expect([...(rows[2] ?? [])]).toEqual([...subject(new Float32Array(16)).image.data]);
  });
});

describe("inputs that are the same", () => {
  it("have the same key across metrics, methods and tie orders, and only they", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 16, maxLength: 16 }), (levels) => {
        const s = subject(Float32Array.from(levels));
        const seen = new Map<string, string>();
        const contents = new Map<string, string>();
        for (const metric of [
          insertion({ step: 3, ties: 2 }),
          deletion({ step: 3, baseline: "blur" }),
          insertion({ step: 4 }),
        ]) {
          const plan = metric.plan(s);
          inputs(plan, 48).forEach((row, i) => {
            const content = row.join();
            const key = plan.key(i);
            expect(seen.get(key) ?? content).toBe(content);
            expect(contents.get(content) ?? key).toBe(key);
            seen.set(key, content);
            contents.set(content, key);
          });
        }
      }),
      { numRuns: 30 },
    );
  });
  it("may be skipped without changing those behind them", () => {
    const s = subject(Float32Array.from({ length: 16 }, (_, i) => (i * 7) % 16));
    const all = inputs(deletion({ step: 2 }).plan(s), 48);
    const plan = deletion({ step: 2 }).plan(s);
    for (const i of [1, 4, 8]) {
      const target = new Float32Array(48);
      plan.write(i, target);
      expect([...target]).toEqual([...(all[i] ?? [])]);
    }
  });
});

describe("a score", () => {
  const s = subject(new Float32Array(16));
  it("keeps the curve and gives the area relative to the clean probability", () => {
    const score = deletion({ step: 8 })
      .plan(s)
      .score(Float64Array.of(0.8, 0.4, 0));
    expect(score).toMatchObject({
      auc: 0.4,
      curve: [0.8, 0.4, 0],
      extra: { p0: 0.8, auc_over_p0: 0.5, tied_fraction: 1 },
    });
  });
  it("leaves out what is undefined and says why", () => {
    const score = insertion({ step: 8 })
      .plan(s)
      .score(Float64Array.of(0, 0, 0));
    expect(score.extra).not.toHaveProperty("auc_over_p0");
    expect(score.notes[0]).toContain("undefined");
  });
  it("gives expectation and range over tie orders", () => {
    const plan = insertion({ step: 8, ties: 2 }).plan(s);
    const score = plan.score(Float64Array.of(0, 0.5, 1, 0, 0.1, 1, 0, 0.7, 1));
    expect(score.extra.auc_tie_expectation).toBeCloseTo((0.3 + 0.6) / 2, 12);
    expect(score.extra.auc_tie_min).toBeCloseTo(0.3, 12);
    expect(score.extra.auc_tie_max).toBeCloseTo(0.6, 12);
  });
});

describe("control maps", () => {
  const { image } = subject(new Float32Array(16));
  it("are seeded, centred and edge-seeking", () => {
    expect(controlMap("random", image, 4)).toEqual(controlMap("random", image, 4));
    expect(controlMap("random", image, 4)).not.toEqual(controlMap("random", image, 5));
    const center = controlMap("center", image, 0);
    expect(Math.max(...center)).toBe(center[5]);
    const step = Float32Array.from({ length: 48 }, (_, i) => (i % 4 < 2 ? 0 : 1));
    const edge = controlMap("edge", { ...image, data: step }, 0);
    expect(edge[5]).toBeGreaterThan(0);
    expect(edge[4]).toBe(0);
  });
  it("invert a map's order", () => {
    const map = Float32Array.of(3, 1, 2);
    expect([...stableDescending(invertedMap(map))]).toEqual([...stableDescending(map)].reverse());
  });
});

describe("metrics by name", () => {
  it("take parameters after a colon", () => {
    expect(metricFromSpec("insertion:step=448,order=patch").parameters).toEqual({
      step: 448,
      baseline: "blur",
      order: "patch",
      ties: 0,
    });
    expect(metricFromSpec("deletion").parameters).toEqual({
      step: "width",
      baseline: "zero",
      order: "pixel",
      ties: 0,
    });
  });
  it.each([
    ["insertoin", "there are: insertion, deletion"],
    ["insertion:step=0", "step: must be a whole number"],
    ["deletion:baseline=grey", "baseline: must be one of zero, black"],
    ["deletion:steps=3", "no parameter steps"],
    ["deletion:step", "key=value"],
    ["deletion:ties=2,ties=3", "given twice"],
  ])("refuse %s with one sentence", (text, message) => {
    expect(() => metricFromSpec(text)).toThrowError(message);
  });
});
