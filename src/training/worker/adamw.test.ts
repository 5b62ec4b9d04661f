import { describe, expect, it } from "vitest";
import { adamw } from "./adamw.js";
import { average } from "./average.js";
import { clipScale, normOf } from "./clip.js";

const OPTIONS = {
  learningRate: 0.1,
  decay: 0.5,
  beta1: 0.9,
  beta2: 0.99,
  epsilon: 1e-8,
  updates: 1,
  scale: 1,
};

const arrays = (gradients: number[]) => ({
  parameters: new Float32Array(gradients.length).fill(2),
  gradients: Float32Array.from(gradients),
  first: new Float32Array(gradients.length),
  second: new Float32Array(gradients.length),
});

describe("AdamW", () => {
  it("first steps by the learning rate against the gradient's sign, whatever its size", () => {
    const moments = arrays([3, -1e-3, 0]);
    adamw(moments, 0, 3, { ...OPTIONS, decay: 0 });
    for (const [i, expected] of [1.9, 2.1, 2].entries())
      expect(moments.parameters[i]).toBeCloseTo(expected, 5);
  });

  it("decays the weights apart from the gradient", () => {
    const moments = arrays([0]);
    adamw(moments, 0, 1, OPTIONS);
    expect(moments.parameters[0]).toBeCloseTo(2 * (1 - 0.1 * 0.5), 6);
    expect(moments.first[0]).toBe(0);
  });

  it("touches nothing outside its range", () => {
    const moments = arrays([1, 1, 1]);
    adamw(moments, 1, 2, OPTIONS);
    expect([moments.parameters[0], moments.parameters[2]]).toEqual([2, 2]);
    expect(moments.second[0]).toBe(0);
  });

  it("scales gradients before they reach the moments", () => {
    const [scaled, small] = [arrays([4]), arrays([1])];
    adamw(scaled, 0, 1, { ...OPTIONS, scale: 0.25 });
    adamw(small, 0, 1, OPTIONS);
    expect(scaled).toMatchObject({ parameters: small.parameters, first: small.first, second: small.second });
  });
});

describe("clipping", () => {
  it("takes the norm of all gradients together, in any number", () => {
    expect(normOf(Float32Array.of(3, 4))).toBe(5);
    expect(normOf(new Float32Array(9).fill(2))).toBe(6);
    expect(normOf(new Float32Array(0))).toBe(0);
    expect(normOf(Float32Array.of(1, Number.NaN))).toBeNaN();
  });

  it("shrinks what is too long and leaves the rest", () => {
    expect(clipScale(10, 1)).toBeCloseTo(0.1, 6);
    expect(clipScale(0.5, 1)).toBe(1);
    expect(clipScale(0, 1)).toBe(1);
    expect(clipScale(10, undefined)).toBe(1);
  });
});

describe("the average", () => {
  it("keeps its share of itself", () => {
    const averages = Float32Array.of(1, 2);
    average(averages, Float32Array.of(3, 2), 0.75);
    expect([...averages]).toEqual([1.5, 2]);
  });
});
