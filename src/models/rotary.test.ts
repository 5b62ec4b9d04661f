import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { Size } from "./architecture.js";
import { axialAngles, centredCoordinates, fillRotation, indexCoordinates, mixedAngles } from "./rotary.js";

const GRID: Size = [3, 4];
const PATCHES = 12;
const [HEADS, WIDTH, HALF] = [2, 8, 4];

interface Case {
  readonly kind: string;
  /** Each patch's sines, then its cosines. */
  readonly expected: readonly number[];
}

const file = new URL("../../test/fixtures/attention-positions.json", import.meta.url);
const cases: readonly Case[] = JSON.parse(readFileSync(file, "utf8")).filter((c: object) => "kind" in c);

/** The numbers that test/oracle/attention_position_goldens.py gives to timm. */
const frequencies = Float32Array.from({ length: HEADS * WIDTH }, (_, i) => {
  const x = Math.sin(i * 12.9898) * 43.758;
  return x - Math.trunc(x);
});

const angles: Readonly<Record<string, () => Float32Array>> = {
  index: () => axialAngles(indexCoordinates(GRID), { width: WIDTH, temperature: 100 }),
  stretched: () => axialAngles(indexCoordinates(GRID, 0, [5, 7]), { width: WIDTH, temperature: 10000 }),
  "columns first": () =>
    axialAngles(indexCoordinates(GRID, 1), { width: WIDTH, temperature: 100, columnsFirst: true }),
  centred: () =>
    axialAngles(centredCoordinates(GRID), { width: WIDTH, temperature: 100, factor: 2 * Math.PI }),
  mixed: () =>
    mixedAngles(
      Array.from({ length: PATCHES }, (_, patch) => [patch % GRID[1], Math.floor(patch / GRID[1])] as const),
      [frequencies.subarray(0, WIDTH), frequencies.subarray(WIDTH)],
      HEADS,
    ),
};

describe("rotary angles", () => {
  it.each(cases.map((c) => [c.kind, c] as const))("are timm's: %s", (kind, { expected }) => {
    const ours = angles[kind]?.() ?? new Float32Array();
    const rows = ours.length / HALF;
    for (let row = 0; row < rows; row++) {
      for (let i = 0; i < HALF; i++) {
        // timm repeats each for the halves of the features, or, mixed, for two neighbours.
        const at = row * 2 * WIDTH + (kind === "mixed" ? 2 * i : i);
        expect(Math.sin(ours[row * HALF + i] ?? Number.NaN)).toBeCloseTo(expected[at] ?? 0, 5);
        expect(Math.cos(ours[row * HALF + i] ?? Number.NaN)).toBeCloseTo(expected[at + WIDTH] ?? 0, 5);
      }
    }
    expect(expected).toHaveLength(rows * 2 * WIDTH);
  });
});

describe("a rotation's constants", () => {
  const shape = { prefix: 1, patches: 2, width: 4, heads: 1 };
  const filled = (kind: "cos" | "sin"): readonly number[] => {
    const out = new Float32Array(3 * 4);
    fillRotation(out, Float32Array.of(0, Math.PI, Math.PI / 2, 0), shape, kind);
    return [...out].map((v) => Math.round(v) + 0);
  };

  it("leave prefix tokens as they are, and turn a feature of the first half with one of the second", () => {
    expect(filled("cos")).toEqual([1, 1, 1, 1, 1, -1, 1, -1, 0, 1, 0, 1]);
    expect(filled("sin")).toEqual([0, 0, 0, 0, 0, 0, 0, 0, -1, 0, 1, 0]);
  });
});
