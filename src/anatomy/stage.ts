/**
 * @file A stage: a set of tokens that tile the image as a grid. Tokens are known by the places (patches or pixels)
 * they were made from, so the grid is found from the places alone, in whatever order the tokens come.
 */
import { NOWHERE, type Origins } from "./trace/origins.js";

export interface Stage {
  readonly grid: readonly [number, number];
  /** Ids of the first image's tokens, row-major on the grid. */
  readonly tokens: readonly number[];
  /** Id → index on the grid. */
  readonly index: ReadonlyMap<number, number>;
}

/** Places of the seed: `batch` images of rows × columns. Place = (image·rows + row)·columns + column. */
export interface Places {
  readonly rows: number;
  readonly columns: number;
}

interface Box {
  readonly id: number;
  readonly top: number;
  readonly left: number;
  /** "top-bottom" and "left-right": tokens with equal bands stand in one row or column. */
  readonly rowBand: string;
  readonly columnBand: string;
}

/** The box that a token's places fill exactly; undefined where they do not fill one. */
function boxOf(origins: Origins, id: number, places: Places): Box | undefined {
  const members = origins.members(id);
  let [top, bottom, left, right] = [Number.POSITIVE_INFINITY, -1, Number.POSITIVE_INFINITY, -1];
  for (const place of members) {
    const row = Math.floor(place / places.columns);
    const column = place % places.columns;
    top = Math.min(top, row);
    bottom = Math.max(bottom, row);
    left = Math.min(left, column);
    right = Math.max(right, column);
  }
  if ((bottom - top + 1) * (right - left + 1) !== members.length) return undefined;
  return { id, top, left, rowBand: `${top}-${bottom}`, columnBand: `${left}-${right}` };
}

/**
 * The grid that the tokens among `ids` make (ids of the first image, in any order, constants and tokens that pool
 * others left out). Undefined where they do not tile the places.
 */
export function stageOf(origins: Origins, ids: Iterable<number>, places: Places): Stage | undefined {
  const distinct = new Set(ids);
  distinct.delete(NOWHERE);
  const total = places.rows * places.columns;
  // A token that has seen every place beside others that have not is a summary token, not a patch.
  const parts = [...distinct].filter((id) => distinct.size === 1 || origins.members(id).length < total);
  const boxes: Box[] = [];
  for (const id of parts) {
    const box = boxOf(origins, id, places);
    if (box === undefined) return undefined;
    boxes.push(box);
  }
  const covered = parts.reduce((sum, id) => sum + origins.members(id).length, 0);
  const grid = [
    new Set(boxes.map((b) => b.rowBand)).size,
    new Set(boxes.map((b) => b.columnBand)).size,
  ] as const;
  if (covered !== total || grid[0] * grid[1] !== boxes.length || boxes.length === 0) return undefined;
  boxes.sort((a, b) => a.top - b.top || a.left - b.left);
  return {
    grid,
    tokens: boxes.map((b) => b.id),
    index: new Map(boxes.map((b, i) => [b.id, i])),
  };
}

/** Whether two stages hold the same tokens. */
export function sameStage(a: Stage, b: Stage): boolean {
  return a.tokens.length === b.tokens.length && a.tokens.every((id, i) => id === b.tokens[i]);
}

/**
 * Which tokens of the finer stage each token of the coarser one was merged from: [coarse × count] indices,
 * row-major among themselves, −1 where there are fewer (padding). Undefined where the finer stage is not cut up
 * exactly.
 */
export function childrenOf(
  origins: Origins,
  fine: Stage,
  coarse: Stage,
): { readonly children: Int32Array; readonly count: number } | undefined {
  const owner = new Map<number, number>();
  for (const [i, id] of fine.tokens.entries()) for (const place of origins.members(id)) owner.set(place, i);
  const lists = coarse.tokens.map((id) => {
    const parts = new Set(origins.members(id).map((place) => owner.get(place) ?? -1));
    return [...parts].sort((a, b) => a - b);
  });
  const count = lists.reduce((most, l) => Math.max(most, l.length), 0);
  const all = lists.flat();
  if (all.length !== fine.tokens.length || new Set(all).size !== all.length || all.includes(-1))
    return undefined;
  const children = new Int32Array(lists.length * count).fill(-1);
  lists.forEach((list, i) => {
    children.set(list, i * count);
  });
  return { children, count };
}
