/**
 * @file Row-major reshape of strided views. Axes that do not change are kept free of charge wherever old and new
 * axes can be matched up; only what is really cut across is written out.
 */
import { collapse, filled, type IndexTensor, once, packedStrides, product, written } from "./index-tensor.js";

/** Pieces of old and new axes that hold the same elements; the last pieces may hold axes of length 1 only. */
function alignAxes(from: readonly number[], to: readonly number[]): { old: number[]; next: number[] }[] {
  const groups: { old: number[]; next: number[] }[] = [];
  let i = 0;
  let j = 0;
  while (i < from.length && j < to.length) {
    const group = { old: [i], next: [j] };
    let a = from[i++] ?? 1;
    let b = to[j++] ?? 1;
    while (a !== b) {
      if (a < b) {
        a *= from[i] ?? 1;
        group.old.push(i++);
      } else {
        b *= to[j] ?? 1;
        group.next.push(j++);
      }
    }
    groups.push(group);
  }
  const last = groups.at(-1) ?? { old: [], next: [] };
  while (i < from.length) last.old.push(i++);
  while (j < to.length) last.next.push(j++);
  return groups.length > 0 ? groups : [last];
}

/** Whether the axes can be read as one axis without copying. */
function mergeable(t: IndexTensor, axes: readonly number[]): boolean {
  const real = axes.filter((axis) => t.dims[axis] !== 1);
  return real.every((axis, k) => {
    const inner = real[k + 1];
    return inner === undefined || t.strides[axis] === (t.strides[inner] ?? 0) * (t.dims[inner] ?? 1);
  });
}

/** A row-major copy in which only the marked axes and those that change are written out. */
function pack(t: IndexTensor, spread: readonly boolean[]): IndexTensor {
  const collapsed = t.dims.map((_, axis) => !spread[axis] && t.strides[axis] === 0);
  const data = written(t, once(t.dims, collapsed));
  return { dims: t.dims, strides: packedStrides(t.dims, collapsed), offset: 0, data };
}

/** Row-major reshape. The element counts must agree. */
export function reshape(t: IndexTensor, dims: readonly number[]): IndexTensor {
  if (product(t.dims) !== product(dims)) throw new RangeError(`cannot reshape [${t.dims}] to [${dims}]`);
  if (product(dims) === 0) return filled(dims, 0);
  const groups = alignAxes(t.dims, dims);
  const spread = t.dims.map(() => false);
  for (const group of groups) {
    if (!mergeable(t, group.old)) for (const axis of group.old) spread[axis] = true;
  }
  const source = spread.includes(true) ? pack(t, spread) : t;
  const strides = dims.map(() => 0);
  for (const group of groups) {
    const innermost = group.old.filter((axis) => source.dims[axis] !== 1).at(-1);
    let step = innermost === undefined ? 0 : (source.strides[innermost] ?? 0);
    for (const axis of [...group.next].reverse()) {
      const length = dims[axis] ?? 1;
      if (length === 1) continue;
      strides[axis] = step;
      step *= length;
    }
  }
  const result = { dims, strides, offset: source.offset, data: source.data };
  // Axes that were written out only to be cut elsewhere may be steady again (heads out of images · channels).
  return source === t ? result : collapse(result);
}
