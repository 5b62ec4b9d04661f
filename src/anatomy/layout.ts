/**
 * @file How a tensor lays out the tokens of a stage, told from the traced ids at each position: whatever its
 * shape looks like, the layout named is the one in which every token is where it should be.
 */
import type { Layer } from "./anatomy.js";
import type { Stage } from "./stage.js";
import { at, collapse, type IndexTensor } from "./trace/index-tensor.js";

export type LayerLayout = Pick<Layer, "layout" | "prefixTokens" | "grid">;

/** Undefined where the tensor does not hold all tokens of the stage in raster order. */
export function layoutOf(
  traced: IndexTensor | undefined,
  stage: Stage,
  batch: number,
): LayerLayout | undefined {
  if (traced === undefined) return undefined;
  const ids = collapse(traced);
  const [h, w] = stage.grid;
  const [a = 0, b = 0, c = 0, d = 0] = ids.dims;
  const steady = (axis: number): boolean => ids.strides[axis] === 0;
  const holds = (position: (index: number) => readonly number[]): boolean =>
    stage.tokens.every((id, i) => at(ids, position(i)) === id);
  if (ids.dims.length === 3 && steady(2)) {
    const from = (length: number, position: (row: number) => readonly number[]): number =>
      Array.from({ length }, (_, row) => at(ids, position(row))).indexOf(stage.tokens[0] ?? -1);
    const before = from(b, (row) => [0, row, 0]);
    if (a === batch && before >= 0 && before + h * w <= b && holds((i) => [0, before + i, 0])) {
      return { layout: "tokens", prefixTokens: before, grid: stage.grid };
    }
    const above = from(a, (row) => [row, 0, 0]);
    if (b === batch && above >= 0 && above + h * w <= a && holds((i) => [above + i, 0, 0])) {
      return { layout: "sequence-first", prefixTokens: above, grid: stage.grid };
    }
  }
  if (ids.dims.length !== 4 || a !== batch) return undefined;
  if (b === h && c === w && steady(3) && holds((i) => [0, Math.floor(i / w), i % w, 0])) {
    return { layout: "grid", prefixTokens: 0, grid: stage.grid };
  }
  if (c === h && d === w && steady(1) && holds((i) => [0, 0, Math.floor(i / w), i % w])) {
    return { layout: "channels-first", prefixTokens: 0, grid: stage.grid };
  }
  return undefined;
}
