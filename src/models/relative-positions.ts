/**
 * @file BEiT's relative position bias: what is added to the score of a query and a key depends on how far apart their
 * patches lie; pairs with the class token have three values of their own. All of it is known once the image size is,
 * so the graph gets the finished [heads, tokens, tokens], and a table made for another grid is resized at load.
 */
import type { Size } from "./architecture.js";
import type { Site } from "./layers.js";
import { gradientOfPositions, interpolatePositions } from "./positions.js";
import { type Adjoint, addTo, type Compute } from "./rearrange.js";

/** Rows of the table behind the offsets': class token to patch, patch to class token, class token to itself. */
const SPECIAL = 3;

const { fround } = Math;

/** Offsets between the patches of a grid: [2h − 1, 2w − 1]. */
const offsets = (grid: Size): Size => [2 * grid[0] - 1, 2 * grid[1] - 1];

const offsetsOf = (grid: Size): number => offsets(grid)[0] * offsets(grid)[1];

/** Rows of a grid's table. */
export const tableLength = (grid: Size): number => offsetsOf(grid) + SPECIAL;

/** The square grid that a table of so many rows is for; undefined where there is none. */
export function squareFor(rows: number): Size | undefined {
  const side = (Math.sqrt(rows - SPECIAL) + 1) / 2;
  return Number.isInteger(side) && side > 0 ? [side, side] : undefined;
}

/** How a library makes the table of one grid into that of another. */
export interface TableResizing {
  /** [offsets of from, heads] → [offsets of to, heads] */
  readonly resize: (values: Float32Array, from: Size, to: Size, heads: number) => Float32Array;
  /** The adjoint: a gradient [offsets of to, heads] → [offsets of from, heads]. */
  readonly back: (gradient: Float32Array, from: Size, to: Size, heads: number) => Float32Array;
}

/**
 * Hugging Face's: bilinear, on a table whose sides it takes for one another (`BeitRelativePositionBias.forward`), which
 * changes the values of a grid that is not square even where no size changes.
 */
export const resizingOfTransformers: TableResizing = {
  resize: (values, from, to, heads) =>
    interpolatePositions(values, swapped(offsets(from)), offsets(to), heads, "bilinear"),
  back: (gradient, from, to, heads) =>
    gradientOfPositions(gradient, swapped(offsets(from)), offsets(to), heads, "bilinear"),
};

const swapped = ([rows, columns]: Size): Size => [columns, rows];

/**
 * timm's, and BEiT's own: the old offsets are laid out at geometrically growing distances that span the new ones, and the
 * values between them are interpolated linearly (`resize_rel_pos_bias_table`).
 */
export const resizingOfTimm: TableResizing = {
  resize: (values, from, to, heads) => {
    if (from.join() === to.join()) return values;
    const out = new Float64Array(offsetsOf(to) * heads);
    eachShare(from, to, (target, source, share) => {
      for (let head = 0; head < heads; head++) {
        const at = target * heads + head;
        out[at] = (out[at] ?? 0) + share * (values[source * heads + head] ?? 0);
      }
    });
    return Float32Array.from(out);
  },
  back: (gradient, from, to, heads) => {
    if (from.join() === to.join()) return gradient;
    const out = new Float64Array(offsetsOf(from) * heads);
    eachShare(from, to, (target, source, share) => {
      for (let head = 0; head < heads; head++) {
        const at = source * heads + head;
        out[at] = (out[at] ?? 0) + share * (gradient[target * heads + head] ?? 0);
      }
    });
    return Float32Array.from(out);
  },
};

/** Calls `visit` for each row of the table of `to` with the four of `from` that it is made of, and their shares. */
function eachShare(
  from: Size,
  to: Size,
  visit: (target: number, source: number, share: number) => void,
): void {
  const [source, target] = [offsets(from), offsets(to)];
  const columns = neighbours(source[1], target[1]);
  for (const [y, row] of neighbours(source[0], target[0]).entries()) {
    for (const [x, column] of columns.entries()) {
      for (const [down, high] of ends(row)) {
        for (const [across, wide] of ends(column)) {
          visit(y * target[1] + x, down * source[1] + across, high * wide);
        }
      }
    }
  }
}

const ends = ({ before, after, share }: Neighbours) =>
  [
    [before, 1 - share],
    [after, share],
  ] as const;

interface Neighbours {
  readonly before: number;
  readonly after: number;
  /** Of `after`, 0 … 1. */
  readonly share: number;
}

/** For each of `to` offsets, the two of `from` it lies between. */
function neighbours(from: number, to: number): readonly Neighbours[] {
  const positions = geometricPositions(from, to);
  return Array.from({ length: to }, (_, i) => {
    const wanted = i - Math.floor(to / 2);
    const after = positions.findIndex((position) => position >= wanted);
    if (after < 0) return { before: from - 1, after: from - 1, share: 0 };
    if (after === 0) return { before: 0, after: 0, share: 0 };
    const [left = 0, right = 0] = [positions[after - 1], positions[after]];
    return { before: after - 1, after, share: (wanted - left) / (right - left) };
  });
}

/** …, −(1 + q), −1, 0, 1, 1 + q, 1 + q + q², …: `from` numbers, q found by bisection so that they reach as far as `to`. */
function geometricPositions(from: number, to: number): readonly number[] {
  const half = Math.floor(from / 2);
  let [left, right, ratio] = [1.01, 1.5, 1.255];
  while (right - left > 1e-6) {
    ratio = (left + right) / 2;
    if ((1 - ratio ** half) / (1 - ratio) > Math.floor(to / 2)) right = ratio;
    else left = ratio;
  }
  const distances: number[] = [];
  let distance = 1;
  for (let i = 0; i < half; i++) {
    distances.push(fround(distance));
    distance += ratio ** (i + 1);
  }
  return [...distances.map((d) => -d).reverse(), 0, ...distances];
}

export interface BiasShape {
  /** The grid that the tables are made for. */
  readonly made: Size;
  /** The image's. */
  readonly grid: Size;
  readonly heads: number;
  readonly resizing: TableResizing;
}

/** The bias as a constant [1, heads, tokens, tokens]: the sum of those of the named tables, each [tableLength, heads]. */
export function relativePositionBias(
  { graph, weights }: Site,
  tables: readonly string[],
  shape: BiasShape,
): string {
  const { made, grid, heads, resizing } = shape;
  const tokens = grid[0] * grid[1] + 1;
  const name = graph.fresh(`${tables[0]}.bias`);
  const parts = tables.map((table) => ({ name: table, dims: [tableLength(made), heads] }));
  const compute: Compute = (values, out) => {
    for (const table of values) addBias(out, table, shape);
  };
  const adjoint: Adjoint = (out, gradients) => {
    const table = new Float32Array(tableLength(grid) * heads);
    eachPair(grid, heads, (at, row) => {
      table[row] = (table[row] ?? 0) + (out[at] ?? 0);
    });
    const split = offsetsOf(grid) * heads;
    const near = resizing.back(table.subarray(0, split), made, grid, heads);
    for (const gradient of gradients) {
      addTo(gradient.subarray(0, near.length), near, 0);
      addTo(gradient.subarray(near.length), table, split);
    }
  };
  graph.define(name, weights.derive(parts, [1, heads, tokens, tokens], compute, adjoint));
  return name;
}

/** Adds the bias of a table to `out` [heads, tokens, tokens]. */
function addBias(out: Float32Array, table: Float32Array, { made, grid, heads, resizing }: BiasShape): void {
  const split = table.length - SPECIAL * heads;
  const near = resizing.resize(table.subarray(0, split), made, grid, heads);
  const special = table.subarray(split);
  eachPair(grid, heads, (at, row) => {
    const value = row < near.length ? near[row] : special[row - near.length];
    out[at] = (out[at] ?? 0) + (value ?? 0);
  });
}

/**
 * Calls `visit` for each pair (query, key) of each head with its place in [heads, tokens, tokens] and in the table of the
 * grid; the class token lies in front of the patches (Swin's index with BEiT's three rows, `gen_relative_position_index`).
 */
function eachPair(grid: Size, heads: number, visit: (at: number, row: number) => void): void {
  const [rows, columns] = offsets(grid);
  const tokens = grid[0] * grid[1] + 1;
  const centre = ((rows - 1) / 2) * columns + (columns - 1) / 2;
  /** What a patch adds to the row of the table: the row of a pair is the difference plus that of no offset. */
  const place = (token: number) => Math.floor((token - 1) / grid[1]) * columns + ((token - 1) % grid[1]);
  for (let head = 0; head < heads; head++) {
    for (let query = 0; query < tokens; query++) {
      const start = (head * tokens + query) * tokens;
      const from = place(query) + centre;
      for (let key = 0; key < tokens; key++) {
        const row =
          query === 0 || key === 0 ? rows * columns + (query > 0 ? 1 : key > 0 ? 0 : 2) : from - place(key);
        visit(start + key, row * heads + head);
      }
    }
  }
}
