import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { BATCH, mulDim } from "../dim.js";
import { type Box, normalise, type Range } from "./box.js";
import { axisGroups, crossReshape } from "./reshape.js";

/** Flat indices of a box's elements, in order. */
function flat(box: Box, shape: readonly number[]): number[] {
  return shape.reduce<number[]>(
    (indices, extent, axis) => {
      const [start, end] = box[axis] ?? [0, extent];
      return indices.flatMap((i) => Array.from({ length: end - start }, (_, k) => i * extent + start + k));
    },
    [0],
  );
}

/** Two factorisations of the same number of elements. */
const pairs = fc.array(fc.constantFrom(1, 2, 3, 4), { minLength: 1, maxLength: 6 }).chain((factors) => {
  const merge = (cuts: readonly boolean[]): number[] => {
    const shape: number[] = [];
    for (const [i, factor] of factors.entries()) {
      if (i > 0 && cuts[i]) shape.push((shape.pop() ?? 1) * factor);
      else shape.push(factor);
    }
    return shape;
  };
  const cuts = fc.array(fc.boolean(), { minLength: factors.length, maxLength: factors.length });
  return fc.tuple(cuts.map(merge), cuts.map(merge), fc.array(fc.nat(100), { minLength: 12, maxLength: 12 }));
});

describe("a box through a reshape", () => {
  it("selects the same elements in both shapes", () => {
    fc.assert(
      fc.property(pairs, ([from, to, random]) => {
        const box = from.map((extent, axis): Range | null => {
          const [a, b] = [(random[2 * axis] ?? 0) % extent, (random[2 * axis + 1] ?? 0) % extent];
          return (random[axis] ?? 0) % 3 === 0 ? null : [Math.min(a, b), Math.max(a, b) + 1];
        });
        const crossing = crossReshape(box, from, to);
        expect(crossing).toBeDefined();
        if (crossing === undefined) return;
        const selected = flat(crossing.selected, from);
        expect(flat(crossing.box, to)).toEqual(selected);
        for (const index of flat(box, from)) expect(selected).toContain(index);
      }),
    );
  });

  it("passes from the third of a fused projection's columns to one of three matrices, and back", () => {
    const fused = [BATCH, 197, 576];
    const split = [BATCH, 197, 3, 3, 64];
    const keys: Box = [null, null, [1, 2], null, null];
    const there = crossReshape(keys, split, fused);
    expect(there?.box).toEqual([null, null, [192, 384]]);
    expect(normalise(crossReshape(there?.box ?? [], fused, split)?.box ?? [], split)).toEqual(keys);
  });

  it("stops where the batch is the outer of two merged axes, and passes where it is merged alone", () => {
    const rows: Box = [null, [0, 1], null];
    const merged = [mulDim(BATCH, 197), 64];
    const crossing = crossReshape(rows, [BATCH, 197, 64], merged);
    expect(crossing).toEqual({ box: [null, null], selected: [null, null, null] });
    const heads = crossReshape([null, null, [0, 1], null], [BATCH, 3, 197, 64], [mulDim(BATCH, 3), 197, 64]);
    expect(heads?.box).toEqual([null, [0, 1], null]);
  });

  it("is refused where dimensions are unknown", () => {
    expect(axisGroups([null, 3], [3, null])).toBeUndefined();
    expect(crossReshape([null, null], [null, 3], [3, null])).toBeUndefined();
  });
});
