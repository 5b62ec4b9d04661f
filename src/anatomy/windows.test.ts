import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { windowGeometry } from "./windows.js";

type Pair = readonly [number, number];

/** Slots as a Swin block makes them: pad and roll (or roll and pad), then cut into windows. */
function slotsOf(grid: Pair, window: Pair, shift: Pair, rollFirst: boolean): Int32Array {
  const padded = [0, 1].map((a) => Math.ceil((grid[a] ?? 1) / (window[a] ?? 1)) * (window[a] ?? 1));
  const [ph = 1, pw = 1] = padded;
  const original = (y: number, x: number): number => (y < grid[0] && x < grid[1] ? y * grid[1] + x : -1);
  const at = (y: number, x: number): number => {
    if (!rollFirst) return original((y + shift[0]) % ph, (x + shift[1]) % pw);
    return y < grid[0] && x < grid[1] ? original((y + shift[0]) % grid[0], (x + shift[1]) % grid[1]) : -1;
  };
  const slots: number[] = [];
  for (let i = 0; i < ph; i += window[0])
    for (let j = 0; j < pw; j += window[1])
      for (let y = 0; y < window[0]; y++) for (let x = 0; x < window[1]; x++) slots.push(at(i + y, j + x));
  return Int32Array.from(slots);
}

const side = fc.integer({ min: 2, max: 9 });
const windowSide = fc.integer({ min: 2, max: 4 });

describe("windowGeometry", () => {
  it("finds window, shift and padding again, whether the roll comes before or after the padding", () => {
    fc.assert(
      fc.property(
        fc.tuple(side, side),
        windowSide,
        fc.nat(),
        fc.nat(),
        fc.boolean(),
        (grid, w, sy, sx, rollFirst) => {
          const window = [w, w] as const;
          const shift = [sy % w, sx % w] as const;
          const slots = slotsOf(grid, window, shift, rollFirst);
          const found = windowGeometry(slots, w * w, grid);
          expect(found?.window).toEqual(window);
          // Whatever it found must make the same slots, whatever the order of roll and padding.
          const again = [false, true].map((first) => slotsOf(grid, window, found?.shift ?? [9, 9], first));
          expect(again.some((s) => s.every((slot, i) => slot === slots[i]))).toBe(true);
        },
      ),
    );
  });

  it("finds no shift where there is none", () => {
    expect(windowGeometry(slotsOf([14, 18], [5, 5], [0, 0], false), 25, [14, 18])).toEqual({
      window: [5, 5],
      shift: [0, 0],
      padded: [15, 20],
    });
  });

  it("finds windows that are not square", () => {
    const found = windowGeometry(slotsOf([4, 12], [2, 6], [1, 3], false), 12, [4, 12]);
    expect(found).toMatchObject({ window: [2, 6], shift: [1, 3] });
  });

  it("finds nothing in tokens that are scattered", () => {
    const slots = slotsOf([4, 4], [2, 2], [0, 0], false);
    slots.reverse();
    expect(windowGeometry(slots, 4, [4, 4])).toBeUndefined();
  });
});
