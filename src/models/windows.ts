/**
 * @file Swin's windows as places of tokens (Liu et al. 2021): which token of the grid stands where once the grid is
 * rolled, padded and cut, and which of them do not see each other because the roll made them neighbours. All of it
 * depends on sizes alone, so that a shift, its padding and the cut are one lookup in the graph.
 */
import type { Size } from "./architecture.js";

export interface Windows {
  /** Tokens down and across. */
  readonly grid: Size;
  readonly window: Size;
  /** How far the grid is rolled up and to the left; 0 on an axis that is not shifted. */
  readonly shift: Size;
  /** timm rolls the grid and pads it then; the others roll what is padded already. */
  readonly rollsFirst: boolean;
}

/** The grid in whole windows. */
export const paddedGrid = ({ grid, window }: Windows): Size => [
  Math.ceil(grid[0] / window[0]) * window[0],
  Math.ceil(grid[1] / window[1]) * window[1],
];

export const windowCount = (windows: Windows): number => {
  const [height, width] = paddedGrid(windows);
  return (height * width) / tokensOf(windows);
};

/** Tokens of one window, padding included. */
export const tokensOf = ({ window }: Windows): number => window[0] * window[1];

/** [rows, columns] of the padded, rolled grid, window by window. */
function places(windows: Windows): readonly Size[] {
  const [height, width] = paddedGrid(windows);
  const [down, across] = windows.window;
  const result: Size[] = [];
  for (let top = 0; top < height; top += down) {
    for (let left = 0; left < width; left += across) {
      for (let y = 0; y < down; y++) for (let x = 0; x < across; x++) result.push([top + y, left + x]);
    }
  }
  return result;
}

/** Where position p of the padded, rolled axis comes from; −1 for padding. */
function source(p: number, axis: 0 | 1, windows: Windows): number {
  const length = windows.grid[axis];
  const shift = windows.shift[axis];
  if (windows.rollsFirst) return p < length ? (p + shift) % length : -1;
  const at = (p + shift) % paddedGrid(windows)[axis];
  return at < length ? at : -1;
}

/** The token (row-major on the grid) at each place of all windows, one window after the other; −1 for padding. */
export function windowSlots(windows: Windows): readonly number[] {
  return places(windows).map(([row, column]) => {
    const y = source(row, 0, windows);
    const x = source(column, 1, windows);
    return y < 0 || x < 0 ? -1 : y * windows.grid[1] + x;
  });
}

/** For each token of the grid its place in the windows: the way back. */
export function slotsOfTokens(windows: Windows): readonly number[] {
  const result = new Array<number>(windows.grid[0] * windows.grid[1]).fill(0);
  windowSlots(windows).forEach((token, slot) => {
    if (token >= 0) result[token] = slot;
  });
  return result;
}

/**
 * A number for each place of all windows; tokens of one window with different numbers were no neighbours before the
 * roll and must not see each other. Undefined where nothing is shifted.
 */
export function windowRegions(windows: Windows): Uint8Array | undefined {
  const { window, shift } = windows;
  if (shift[0] === 0 && shift[1] === 0) return undefined;
  const padded = paddedGrid(windows);
  const region = (p: number, axis: 0 | 1): number => {
    if (shift[axis] === 0 || p < padded[axis] - window[axis]) return 0;
    return p < padded[axis] - shift[axis] ? 1 : 2;
  };
  return Uint8Array.from(places(windows), ([row, column]) => 3 * region(row, 0) + region(column, 1));
}

/** The four children (upper left, lower left, upper right, lower right) of each token of the merged grid; −1 beyond the grid. */
export function mergedSlots([height, width]: Size): readonly number[] {
  const result: number[] = [];
  for (let y = 0; y < height; y += 2) {
    for (let x = 0; x < width; x += 2) {
      for (const [row, column] of [
        [y, x],
        [y + 1, x],
        [y, x + 1],
        [y + 1, x + 1],
      ] as const) {
        result.push(row < height && column < width ? row * width + column : -1);
      }
    }
  }
  return result;
}

export const mergedGrid = ([height, width]: Size): Size => [Math.ceil(height / 2), Math.ceil(width / 2)];
