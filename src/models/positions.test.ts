import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { Size } from "./architecture.js";
import { gradientOfPositions, type Interpolation, interpolatePositions } from "./positions.js";

interface Case {
  readonly mode: Interpolation;
  readonly from: Size;
  readonly to: Size;
  readonly expected: readonly number[];
}

const DIM = 2;
const cases: readonly Case[] = JSON.parse(
  readFileSync(new URL("../../test/fixtures/positions.json", import.meta.url), "utf8"),
);

/** The numbers that test/oracle/position_goldens.py interpolates. */
const values = ([height, width]: Size): Float32Array =>
  Float32Array.from({ length: height * width * DIM }, (_, i) => {
    const x = Math.sin(i * 12.9898) * 43.758;
    return x - Math.trunc(x);
  });

const named = cases.map((c) => [`${c.mode} from ${c.from.join("×")} to ${c.to.join("×")}`, c] as const);

describe("position embeddings on another grid", () => {
  it.each(named)("hand a gradient back to where they come from: %s", (_name, { mode, from, to }) => {
    const dot = (a: Float32Array, b: Float32Array) => a.reduce((sum, v, i) => sum + v * (b[i] ?? 0), 0);
    const made = interpolatePositions(values(from), from, to, DIM, mode);
    const gradient = made.map((_, i) => Math.sin(i * 0.7));
    // ⟨A·x, gradient⟩ = ⟨x, Aᵀ·gradient⟩.
    const back = gradientOfPositions(gradient, from, to, DIM, mode);
    expect(dot(values(from), back)).toBeCloseTo(dot(made, gradient), 4);
  });

  it.each(named)(
    "are what torch.nn.functional.interpolate gives: %s",
    (_name, { mode, from, to, expected }) => {
      const result = interpolatePositions(values(from), from, to, DIM, mode);
      expect(result).toHaveLength(expected.length);
      const error = expected.reduce((e, v, i) => Math.max(e, Math.abs((result[i] ?? Number.NaN) - v)), 0);
      expect(error).toBeLessThan(1e-6);
    },
  );

  it("stay as they are on the same grid", () => {
    const same = values([3, 4]);
    expect(interpolatePositions(same, [3, 4], [3, 4], DIM, "bicubic-antialias")).toBe(same);
  });

  it("must be as many as the grid says", () => {
    expect(() => interpolatePositions(values([3, 4]), [3, 3], [4, 4], DIM, "bicubic")).toThrow(/24 values/);
  });
});
