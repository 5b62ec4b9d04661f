import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  mergedGrid,
  mergedSlots,
  paddedGrid,
  slotsOfTokens,
  type Windows,
  windowRegions,
  windowSlots,
} from "./windows.js";

type Grid = readonly (readonly number[])[];

const numbered = (height: number, width: number): Grid =>
  Array.from({ length: height }, (_, y) => Array.from({ length: width }, (_, x) => y * width + x));

/** torch.roll by [−down, −across]. */
const rolled = (grid: Grid, [down, across]: readonly [number, number]): Grid =>
  grid.map((row, y) =>
    row.map((_, x) => grid[(y + down) % grid.length]?.[(x + across) % row.length] ?? Number.NaN),
  );

const padded = (grid: Grid, [height, width]: readonly [number, number]): Grid =>
  Array.from({ length: height }, (_, y) => Array.from({ length: width }, (_, x) => grid[y]?.[x] ?? -1));

const cut = (grid: Grid, [down, across]: readonly [number, number]): number[] => {
  const slots: number[] = [];
  for (let top = 0; top < grid.length; top += down) {
    for (let left = 0; left < (grid[0]?.length ?? 0); left += across) {
      for (const row of grid.slice(top, top + down)) slots.push(...row.slice(left, left + across));
    }
  }
  return slots;
};

const geometry = fc
  .tuple(fc.integer({ min: 1, max: 11 }), fc.integer({ min: 1, max: 11 }))
  .chain(([height, width]) =>
    fc.record({
      grid: fc.constant([height, width] as const),
      window: fc.tuple(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 5 })),
      halves: fc.tuple(fc.boolean(), fc.boolean()),
      rollsFirst: fc.boolean(),
    }),
  )
  .map(({ grid, window, halves, rollsFirst }): Windows => {
    const shift = (axis: 0 | 1): number => (halves[axis] ? Math.floor(window[axis] / 2) : 0);
    return { grid, window, shift: [shift(0), shift(1)], rollsFirst };
  });

describe("windows on a grid", () => {
  it("hold the tokens that rolling, padding and cutting put there, in either order", () => {
    fc.assert(
      fc.property(geometry, (w) => {
        const grid = numbered(...w.grid);
        const moved = w.rollsFirst
          ? padded(rolled(grid, w.shift), paddedGrid(w))
          : rolled(padded(grid, paddedGrid(w)), w.shift);
        expect(windowSlots(w)).toEqual(cut(moved, w.window));
      }),
      { seed: 1 },
    );
  });

  it("know the way back of every token", () => {
    fc.assert(
      fc.property(geometry, (w) => {
        const slots = windowSlots(w);
        slotsOfTokens(w).forEach((slot, token) => {
          expect(slots[slot]).toBe(token);
        });
      }),
      { seed: 1 },
    );
  });

  it("are told apart where the roll made neighbours of what were none", () => {
    const regions = windowRegions({ grid: [4, 4], window: [2, 2], shift: [1, 1], rollsFirst: false });
    expect([...(regions ?? [])]).toEqual([0, 0, 0, 0, 1, 2, 1, 2, 3, 3, 6, 6, 4, 5, 7, 8]);
  });

  it("are whole along an axis that is not shifted, and everywhere without a shift", () => {
    const w = { grid: [2, 4], window: [2, 2], shift: [0, 1], rollsFirst: true } as const;
    expect([...(windowRegions(w) ?? [])]).toEqual([0, 0, 0, 0, 1, 2, 1, 2]);
    expect(windowRegions({ ...w, shift: [0, 0] })).toBeUndefined();
  });
});

describe("merging", () => {
  it("takes columns of two, the left one first", () => {
    expect(mergedSlots([2, 4])).toEqual([0, 4, 1, 5, 2, 6, 3, 7]);
  });

  it("pads a grid of odd sides below and to the right", () => {
    expect(mergedGrid([3, 3])).toEqual([2, 2]);
    expect(mergedSlots([3, 3])).toEqual([0, 3, 1, 4, 2, 5, -1, -1, 6, -1, 7, -1, 8, -1, -1, -1]);
  });
});
