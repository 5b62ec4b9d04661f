/**
 * @file How a tensor lays out the tokens of a stage, told from the traced ids at each position: whatever its
 * shape looks like, the layout named is the one in which every token is where it should be.
 */
import type { Layer } from "./anatomy.js";
import type { Stage } from "./stage.js";
import { at, type IndexTensor } from "./trace/index-tensor.js";

export type LayerLayout = Pick<Layer, "layout" | "prefixTokens" | "grid">;

/** Undefined where the tensor does not hold all tokens of the stage in raster order. */
export function layoutOf(ids: IndexTensor | undefined, stage: Stage, batch: number): LayerLayout | undefined {
  if (ids === undefined) return undefined;
  const [h, w] = stage.grid;
  const [a = 0, b = 0, c = 0, d = 0] = ids.dims;
  const steady = (axis: number): boolean => ids.strides[axis] === 0;
  const holds = (position: (index: number) => readonly number[]): boolean =>
    stage.tokens.every((id, i) => at(ids, position(i)) === id);
  if (ids.dims.length === 3 && steady(2)) {
    const extra = (length: number): number => length - h * w;
    if (a === batch && extra(b) >= 0 && holds((i) => [0, extra(b) + i, 0])) {
      return { layout: "tokens", prefixTokens: extra(b), grid: stage.grid };
    }
    if (b === batch && extra(a) >= 0 && holds((i) => [extra(a) + i, 0, 0])) {
      return { layout: "sequence-first", prefixTokens: extra(a), grid: stage.grid };
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
