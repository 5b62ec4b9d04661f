import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { Size } from "./architecture.js";
import { type Interpolation, interpolatePositions } from "./positions.js";

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

describe("position embeddings on another grid", () => {
  it.each(cases.map((c) => [`${c.mode} from ${c.from.join("×")} to ${c.to.join("×")}`, c] as const))(
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
