/**
 * @file Boxes: the part of a value that is needed, or the part outside which it is zero. For each axis a range of
 * indices or the whole axis; axes whose extent depends on the batch are only ever whole. This algebra is what the
 * row analyses compute with.
 */
import { type Dim, dimAt, type Shape } from "../dim.js";

/** Indices start ≤ i < end of an axis of known extent. */
export type Range = readonly [start: number, end: number];

/** One entry an axis; null is the whole axis, and a range that covers the whole axis is always written as null. */
export type Box = readonly (Range | null)[];

/** Boxes of one value that together cover what is needed of it; none: nothing is needed. */
export type Region = readonly Box[];

/** The whole of a value. The rank of an unknown shape is taken as 0: such a value has no part. */
export function whole(shape: Shape | undefined): Box {
  return (shape ?? []).map(() => null);
}

export const isWhole = (box: Box): boolean => box.every((range) => range === null);

/** Writes ranges that cover their axis as null. A range on an axis of symbolic extent cannot be, and is widened. */
export function normalise(box: Box, shape: Shape): Box {
  return box.map((range, axis) => {
    const extent = shape[axis];
    if (range === null || typeof extent !== "number") return null;
    return range[0] <= 0 && range[1] >= extent ? null : range;
  });
}

/** The common part, or undefined where there is none. */
export function intersect(a: Box, b: Box): Box | undefined {
  const common: (Range | null)[] = [];
  for (const [axis, left] of a.entries()) {
    const right = b[axis] ?? null;
    if (left === null || right === null) {
      common.push(left ?? right);
      continue;
    }
    const start = Math.max(left[0], right[0]);
    const end = Math.min(left[1], right[1]);
    if (start >= end) return undefined;
    common.push([start, end]);
  }
  return common;
}

/** The smallest box around both (normalise it where it may cover an axis). */
export function hull(a: Box, b: Box): Box {
  return a.map((left, axis) => {
    const right = b[axis] ?? null;
    return left === null || right === null
      ? null
      : [Math.min(left[0], right[0]), Math.max(left[1], right[1])];
  });
}

export function contains(outer: Box, inner: Box): boolean {
  return outer.every((range, axis) => {
    if (range === null) return true;
    const part = inner[axis] ?? null;
    return part !== null && range[0] <= part[0] && part[1] <= range[1];
  });
}

export function sameBox(a: Box, b: Box): boolean {
  return contains(a, b) && contains(b, a);
}

/** `inner` as seen from the corner of `outer`, which contains it; `shape` is the shape of the whole. */
export function relativeTo(inner: Box, outer: Box, shape: Shape): Box {
  const seen = inner.map((range, axis): Range | null => {
    const corner = outer[axis] ?? null;
    return range === null || corner === null ? range : [range[0] - corner[0], range[1] - corner[0]];
  });
  return normalise(seen, shapeOfBox(outer, shape));
}

/** Shape of the part. */
export function shapeOfBox(box: Box, shape: Shape): Dim[] {
  return shape.map((extent, axis) => {
    const range = box[axis] ?? null;
    return range === null ? extent : range[1] - range[0];
  });
}

/** Number of elements at batch 1; what is unknown counts as 1. Only for weighing boxes of one value against each other. */
export function volume(box: Box, shape: Shape | undefined): number {
  return shapeOfBox(box, shape ?? []).reduce<number>((size, d) => size * (dimAt(d, 1) ?? 1), 1);
}

/** The box with one axis replaced. */
export function withRange(box: Box, axis: number, range: Range | null): Box {
  return box.map((old, i) => (i === axis ? range : old));
}

/** "[:, 0:1, :]"; names new values. */
export function formatBox(box: Box): string {
  return `[${box.map((range) => (range === null ? ":" : `${range[0]}:${range[1]}`)).join(",")}]`;
}

/**
 * How much larger than the boxes it replaces a hull may be: computing a few elements nobody asked for is cheaper
 * than a second operator and a copied weight.
 */
const SLACK = 1.25;

/** Pieces beyond this number cost more in operators than they save. */
const MOST_PIECES = 4;

/** Adds a box to a region; boxes whose hull is hardly larger than themselves become that hull. */
export function cover(region: Region, box: Box, shape: Shape | undefined): Region {
  if (region.some((b) => contains(b, box))) return region;
  const boxes = [...region, box];
  for (let merged = true; merged; ) {
    merged = false;
    search: for (let i = 0; i < boxes.length; i++) {
      for (let j = i + 1; j < boxes.length; j++) {
        const a = boxes[i];
        const b = boxes[j];
        if (a === undefined || b === undefined) continue;
        const around = normalise(hull(a, b), shape ?? []);
        const apart = volume(a, shape) + volume(b, shape);
        if (boxes.length > MOST_PIECES || volume(around, shape) <= SLACK * apart) {
          boxes.splice(j, 1);
          boxes.splice(i, 1, around);
          merged = true;
          break search;
        }
      }
    }
  }
  return boxes;
}

/** A range that covers most of its axis is hardly worth a copy: it becomes the whole axis. */
const MOST = 0.75;

export function round(box: Box, shape: Shape): Box {
  return box.map((range, axis) => {
    const extent = shape[axis];
    if (range === null || typeof extent !== "number") return null;
    return range[1] - range[0] > MOST * extent ? null : range;
  });
}
