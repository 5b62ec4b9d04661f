/**
 * @file From traced slots (which token stands where in which window) to the numbers that people know windows by:
 * size, shift and padded grid. The numbers are accepted only where they reproduce every slot.
 */

type Pair = readonly [number, number];

export interface WindowGeometry {
  readonly window: Pair;
  readonly shift: Pair;
  readonly padded: Pair;
}

/** Order of roll and padding: timm rolls before it pads, others after. */
type RollOf = "padded" | "grid";

const divisors = (n: number): number[] =>
  Array.from({ length: n }, (_, i) => i + 1).filter((d) => n % d === 0);

/** Position on an axis of the grid for position p on the padded, rolled axis; −1 for padding. */
function source(p: number, shift: number, length: number, padded: number, roll: RollOf): number {
  if (roll === "padded") {
    const at = (p + shift) % padded;
    return at < length ? at : -1;
  }
  return p < length ? (p + shift) % length : -1;
}

/** What slots would be for a geometry: the token at row-major position `index` of all windows × tokens. */
function predictedSlot(index: number, grid: Pair, g: WindowGeometry, roll: RollOf): number {
  const [wh, ww] = g.window;
  const n = wh * ww;
  const w = Math.floor(index / n);
  const across = g.padded[1] / ww;
  const row = Math.floor(w / across) * wh + Math.floor((index % n) / ww);
  const column = (w % across) * ww + ((index % n) % ww);
  const y = source(row, g.shift[0], grid[0], g.padded[0], roll);
  const x = source(column, g.shift[1], grid[1], g.padded[1], roll);
  return y < 0 || x < 0 ? -1 : y * grid[1] + x;
}

/** The geometry that explains slots ([windows × tokens] → index on grid, −1 padding); undefined where none does. */
export function windowGeometry(slots: Int32Array, tokens: number, grid: Pair): WindowGeometry | undefined {
  const windows = slots.length / tokens;
  for (const wh of divisors(tokens).sort((a, b) => squareness(a, tokens) - squareness(b, tokens))) {
    const window = [wh, tokens / wh] as const;
    for (const down of divisors(windows)) {
      const padded = [down * wh, (windows / down) * window[1]] as const;
      if (padded[0] < grid[0] || padded[1] < grid[1]) continue;
      const shift = shiftThatFits(slots, grid, window, padded);
      if (shift !== undefined) return { window, shift, padded };
    }
  }
  return undefined;
}

const squareness = (height: number, tokens: number): number => Math.abs(Math.log(height ** 2 / tokens));

/** The first real token of the first window fixes the shift but for the order of roll and padding: try and check. */
function shiftThatFits(slots: Int32Array, grid: Pair, window: Pair, padded: Pair): Pair | undefined {
  for (let y = 0; y < window[0]; y++) {
    for (let x = 0; x < window[1]; x++) {
      for (const roll of ["padded", "grid"] as const) {
        const g = { window, shift: [y, x] as const, padded };
        if (slots.every((slot, i) => slot === predictedSlot(i, grid, g, roll))) return g.shift;
      }
    }
  }
  return undefined;
}
