/**
 * @file BEiT's relative position bias: what is added to the score of a query and a key depends on how far apart their
 * patches lie; pairs with the class token have three values of their own. All of it is known once the image size is,
 * so the graph gets the finished [heads, tokens, tokens], and a table made for another grid is resized at load.
 */
import type { Size } from "./architecture.js";
import type { Site } from "./layers.js";
import { interpolatePositions } from "./positions.js";
import type { Adjoint, Compute } from "./rearrange.js";

/** Rows of the table behind the offsets': class token to patch, patch to class token, class token to itself. */
const SPECIAL = 3;

const { fround } = Math;

/** Offsets between the patches of a grid: [2h − 1, 2w − 1]. */
const offsets = (grid: Size): Size => [2 * grid[0] - 1, 2 * grid[1] - 1];

/** Rows of a grid's table. */
export function tableLength(grid: Size): number {
  const [rows, columns] = offsets(grid);
  return rows * columns + SPECIAL;
}

/** The square grid that a table of so many rows is for; undefined where there is none. */
export function squareFor(rows: number): Size | undefined {
  const side = (Math.sqrt(rows - SPECIAL) + 1) / 2;
  return Number.isInteger(side) && side > 0 ? [side, side] : undefined;
}

/** How a library makes the table of one grid into that of another: [offsets of from, heads] → [offsets of to, heads]. */
export type TableResizing = (values: Float32Array, from: Size, to: Size, heads: number) => Float32Array;

/**
 * Hugging Face's: bilinear, on a table whose sides it takes for one another (`BeitRelativePositionBias.forward`), which
 * changes the values of a grid that is not square even where no size changes.
 */
export const resizeAsTransformers: TableResizing = (values, from, to, heads) => {
  const [rows, columns] = offsets(from);
  return interpolatePositions(values, [columns, rows], offsets(to), heads, "bilinear");
};

/**
 * timm's, and BEiT's own: the old offsets are laid out at geometrically growing distances that span the new ones, and the
 * values between them are interpolated linearly (`resize_rel_pos_bias_table`).
 */
export const resizeAsTimm: TableResizing = (values, from, to, heads) => {
  const [source, target] = [offsets(from), offsets(to)];
  if (source[0] === target[0] && source[1] === target[1]) return values;
  const rows = neighbours(source[0], target[0]);
  const columns = neighbours(source[1], target[1]);
  const out = new Float32Array(target[0] * target[1] * heads);
  rows.forEach((row, y) => {
    columns.forEach((column, x) => {
      for (let head = 0; head < heads; head++) {
        const at = (r: number, c: number) => values[(r * source[1] + c) * heads + head] ?? 0;
        const before =
          at(row.before, column.before) * (1 - column.share) + at(row.before, column.after) * column.share;
        const after =
          at(row.after, column.before) * (1 - column.share) + at(row.after, column.after) * column.share;
        out[(y * target[1] + x) * heads + head] = before * (1 - row.share) + after * row.share;
      }
    });
  });
  return out;
};

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
  readonly resize: TableResizing;
}

/** The bias as a constant [1, heads, tokens, tokens]: the sum of those of the named tables, each [tableLength, heads]. */
export function relativePositionBias(
  { graph, weights }: Site,
  tables: readonly string[],
  shape: BiasShape,
): string {
  const { made, grid, heads, resize } = shape;
  const tokens = grid[0] * grid[1] + 1;
  const name = graph.fresh(`${tables[0]}.bias`);
  const parts = tables.map((table) => ({ name: table, dims: [tableLength(made), heads] }));
  const compute: Compute = (values, out) => {
    for (const table of values) addBias(out, table, shape);
  };
  // transformers changes the values of a grid that is not square even where no size changes.
  const asTheyAre = made.join() === grid.join() && (made[0] === made[1] || resize === resizeAsTimm);
  const adjoint: Adjoint = (out, gradients) => {
    for (const table of gradients) {
      eachPair(grid, heads, (at, row) => {
        table[row] = (table[row] ?? 0) + (out[at] ?? 0);
      });
    }
  };
  graph.define(
    name,
    weights.derive(parts, [1, heads, tokens, tokens], compute, asTheyAre ? adjoint : undefined),
  );
  return name;
}

/** Adds the bias of a table to `out` [heads, tokens, tokens]. */
function addBias(out: Float32Array, table: Float32Array, { made, grid, heads, resize }: BiasShape): void {
  const split = table.length - SPECIAL * heads;
  const near = resize(table.subarray(0, split), made, grid, heads);
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
