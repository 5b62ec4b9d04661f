/**
 * @file Boxes through a change of shape. Both shapes fall into groups of neighbouring axes with the same number of
 * elements; a box passes through a group where it is a run of consecutive elements in both.
 */
import { type Dim, dimAt, mulDim, type Shape, sameDim } from "../dim.js";
import type { Box, Range } from "./box.js";

/** Axes [from[0], from[1]) of one shape hold the same elements as axes [to[0], to[1]) of the other. */
export interface AxisGroup {
  readonly from: Range;
  readonly to: Range;
}

/** A batch size by which N·3 and 197 are told apart while groups are searched; what they hold is compared exactly. */
const SOME_BATCH = 7919;

/** The finest groups of two shapes of the same size; undefined where the dimensions do not tell. */
export function axisGroups(from: Shape, to: Shape): readonly AxisGroup[] | undefined {
  const groups: AxisGroup[] = [];
  let [i, j] = [0, 0];
  while (i < from.length || j < to.length) {
    const [startFrom, startTo] = [i, j];
    let left: Dim = 1;
    let right: Dim = 1;
    do {
      const [l, r] = [dimAt(left, SOME_BATCH), dimAt(right, SOME_BATCH)];
      if (l === null || r === null) return undefined;
      const takeLeft = i < from.length && (l < r || j >= to.length || (l === r && i === startFrom));
      if (takeLeft) left = mulDim(left, from[i++] ?? null);
      else if (j < to.length) right = mulDim(right, to[j++] ?? null);
      else return undefined;
    } while (!sameDim(left, right) || (left === 1 && (i < from.length || j < to.length)));
    groups.push({ from: [startFrom, i], to: [startTo, j] });
  }
  return joinTrailing(groups);
}

/** Axes of extent 1 left over at the end belong to the group before. */
function joinTrailing(groups: readonly AxisGroup[]): readonly AxisGroup[] {
  const last = groups.at(-1);
  const before = groups.at(-2);
  if (!last || !before || (last.from[0] !== last.from[1] && last.to[0] !== last.to[1])) return groups;
  const joined: AxisGroup = { from: [before.from[0], last.from[1]], to: [before.to[0], last.to[1]] };
  return [...groups.slice(0, -2), joined];
}

/** Elements [start, end) of a group that a box selects; null: all of them; undefined: they are not consecutive. */
function runOf(box: Box, shape: Shape, [first, end]: Range): Range | null | undefined {
  let run: Range | null = null;
  let started = false;
  for (let axis = first; axis < end; axis++) {
    const extent = shape[axis] ?? null;
    const range = box[axis] ?? null;
    if (!started && range === null && extent === 1) continue;
    if (!started) {
      if (range === null) return box.slice(axis, end).every((r) => r === null) ? null : undefined;
      started = true;
      run = range;
      continue;
    }
    if (run === null || typeof extent !== "number") return undefined;
    // Only a single index of the outer axes may be refined by an inner one.
    if (range === null) run = [run[0] * extent, run[1] * extent];
    else if (run[1] - run[0] === 1) run = [run[0] * extent + range[0], run[0] * extent + range[1]];
    else return undefined;
  }
  return run;
}

/** Ranges of a group's axes that select exactly the elements of a run; undefined where no box does. */
function rangesOf([start, end]: Range, shape: Shape, [first, last]: Range): (Range | null)[] | undefined {
  const ranges: (Range | null)[] = [];
  let [from, to] = [start, end];
  let open = true;
  for (let axis = first; axis < last; axis++) {
    if (!open) {
      ranges.push(null);
      continue;
    }
    const inner = shape.slice(axis + 1, last).reduce<Dim>((size, d) => mulDim(size, d), 1);
    if (typeof inner !== "number") {
      // Extent 1 in front of a symbolic rest would be possible, but never occurs.
      return undefined;
    }
    const index = Math.floor(from / inner);
    if (to <= (index + 1) * inner && !(from % inner === 0 && to === (index + 1) * inner)) {
      ranges.push([index, index + 1]);
      from -= index * inner;
      to -= index * inner;
    } else if (from % inner === 0 && to % inner === 0) {
      ranges.push([from / inner, to / inner]);
      open = false;
    } else {
      return undefined;
    }
  }
  return ranges;
}

export interface Crossing {
  /** The box in the other shape. */
  readonly box: Box;
  /** The box really selected in the first shape: groups through which it does not pass are whole. */
  readonly selected: Box;
}

/** A box of the first shape as a box of the second. Not normalised. */
export function crossReshape(box: Box, shape: Shape, other: Shape): Crossing | undefined {
  const groups = axisGroups(shape, other);
  if (groups === undefined) return undefined;
  const result: (Range | null)[] = other.map(() => null);
  const selected: (Range | null)[] = [...box];
  for (const { from, to } of groups) {
    const run = runOf(box, shape, from);
    const ranges = run ? rangesOf(run, other, to) : undefined;
    if (ranges === undefined) for (let axis = from[0]; axis < from[1]; axis++) selected[axis] = null;
    else for (const [k, range] of ranges.entries()) result[to[0] + k] = range;
  }
  return { box: result, selected };
}
