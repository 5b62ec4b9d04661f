import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { BATCH } from "../dim.js";
import {
  type Box,
  contains,
  cover,
  formatBox,
  hull,
  intersect,
  isWhole,
  normalise,
  type Range,
  relativeTo,
  round,
  shapeOfBox,
  volume,
  whole,
} from "./box.js";

const SHAPE = [5, 4, 6] as const;

const rangeOf = (extent: number): fc.Arbitrary<Range | null> =>
  fc.oneof(
    fc.constant(null),
    fc
      .tuple(fc.integer({ min: 0, max: extent - 1 }), fc.integer({ min: 1, max: extent }))
      .map(([a, b]): Range => [Math.min(a, b - 1), Math.max(a + 1, b)]),
  );

const boxes: fc.Arbitrary<Box> = fc
  .tuple(rangeOf(5), rangeOf(4), rangeOf(6))
  .map((box) => normalise(box, SHAPE));

/** Indices of all elements in a box. */
function elements(box: Box | undefined): Set<string> {
  const all = new Set<string>();
  if (box === undefined) return all;
  const [a, b, c] = SHAPE.map((extent, axis) => box[axis] ?? [0, extent]);
  if (!a || !b || !c) return all;
  for (let i = a[0]; i < a[1]; i++)
    for (let j = b[0]; j < b[1]; j++) for (let k = c[0]; k < c[1]; k++) all.add(`${i},${j},${k}`);
  return all;
}

describe("boxes", () => {
  it("meet in exactly the elements that both have", () => {
    fc.assert(
      fc.property(boxes, boxes, (a, b) => {
        const both = [...elements(a)].filter((e) => elements(b).has(e));
        expect([...elements(intersect(a, b))]).toEqual(both);
      }),
    );
  });

  it("have a hull around both, and contain what their elements say", () => {
    fc.assert(
      fc.property(boxes, boxes, (a, b) => {
        const around = normalise(hull(a, b), SHAPE);
        expect(contains(around, a) && contains(around, b)).toBe(true);
        expect(contains(a, b)).toBe([...elements(b)].every((e) => elements(a).has(e)));
      }),
    );
  });

  it("have the volume and the shape of their elements", () => {
    fc.assert(
      fc.property(boxes, (box) => {
        expect(volume(box, SHAPE)).toBe(elements(box).size);
        expect(shapeOfBox(box, SHAPE).reduce<number>((n, d) => n * Number(d), 1)).toBe(elements(box).size);
      }),
    );
  });

  it("are seen from a box around them as parts of it", () => {
    fc.assert(
      fc.property(boxes, boxes, (a, b) => {
        const outer = normalise(hull(a, b), SHAPE);
        const inner = relativeTo(a, outer, SHAPE);
        expect(volume(inner, shapeOfBox(outer, SHAPE))).toBe(volume(a, SHAPE));
        expect(isWhole(inner)).toBe(contains(a, outer));
      }),
    );
  });

  it("are whole on an axis whose extent depends on the batch", () => {
    expect(
      normalise(
        [
          [0, 1],
          [0, 1],
        ],
        [BATCH, 3],
      ),
    ).toEqual([null, [0, 1]]);
    expect(
      normalise(
        [
          [0, 1],
          [0, 3],
        ],
        [2, 3],
      ),
    ).toEqual([[0, 1], null]);
  });

  it("are written as slices", () => {
    expect(formatBox([null, [0, 1]])).toBe("[:,0:1]");
  });

  it("are rounded up to a whole axis where they cover most of it", () => {
    expect(round([null, [1, 197]], [BATCH, 197])).toEqual([null, null]);
    expect(round([null, [0, 1]], [BATCH, 197])).toEqual([null, [0, 1]]);
  });
});

describe("a region", () => {
  it("covers every box that was added to it, in few boxes", () => {
    fc.assert(
      fc.property(fc.array(boxes, { maxLength: 9 }), (added) => {
        const region = added.reduce<readonly Box[]>((r, box) => cover(r, box, SHAPE), []);
        expect(region.length).toBeLessThanOrEqual(4);
        for (const box of added) expect(region.some((b) => contains(b, box))).toBe(true);
      }),
    );
  });

  it("keeps two boxes apart where their hull would be much larger", () => {
    const queries: Box = [null, [0, 1], [0, 192]];
    const rest: Box = [null, null, [192, 576]];
    const shape = [BATCH, 197, 576];
    expect(cover([rest], queries, shape)).toHaveLength(2);
    expect(cover([[null, null, [0, 192]]], rest, shape)).toEqual([whole(shape)]);
  });
});
