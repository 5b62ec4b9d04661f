/**
 * @file Boxes among zeros (what cuts give back): joined side by side where they do not overlap, else filled up.
 */
import type { Emitter } from "./emitter.js";
import type { Box } from "./rule.js";

/** The box with its zeros. */
export const fillBox = (emit: Emitter, box: Box, rank: number): string =>
  emit.pad(box.value, rank, box.axis, box.start, box.size - box.start - box.length);

/** Whether all lie on one axis and none overlaps another. */
export function areDisjoint(boxes: readonly Box[]): boolean {
  const sorted = boxes.toSorted((a, b) => a.start - b.start);
  return sorted.every((box, i) => {
    const next = sorted[i + 1];
    return next === undefined || (next.axis === box.axis && box.start + box.length <= next.start);
  });
}

/**
 * Disjoint boxes of a value of rank `rank` as one box, or as a value where they cover the axis; undefined for none.
 * Gaps between them are filled with zeros on the box before.
 */
export function joinBoxes(emit: Emitter, boxes: readonly Box[], rank: number): Box | string | undefined {
  const sorted = boxes.toSorted((a, b) => a.start - b.start);
  const [first, last] = [sorted[0], sorted.at(-1)];
  if (first === undefined || last === undefined) return undefined;
  const pieces = sorted.map((box, i) => {
    const end = box.start + box.length;
    return emit.pad(box.value, rank, box.axis, 0, (sorted[i + 1]?.start ?? end) - end);
  });
  const value = emit.concat(pieces, first.axis);
  const length = last.start + last.length - first.start;
  return length === first.size ? value : { ...first, value, length };
}
