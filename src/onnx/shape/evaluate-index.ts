/** @file Operators on constants that place or pick elements by indices: Scatter, Gather, Pad, Trilu, OneHot, … */
import { floatAttribute, intAttribute, intsAttribute, stringAttribute } from "../attributes.js";
import type { Node } from "../graph.js";
import { allocate, countOf, type NumberArray } from "./array.js";
import { normalAxis } from "./rule.js";

const copyOf = ({ dtype, dims, data }: NumberArray): NumberArray => ({ dtype, dims, data: data.slice() });

const combine = (node: Node): ((old: number, value: number) => number) | undefined =>
  ({
    none: (_: number, value: number) => value,
    add: (old: number, value: number) => old + value,
    mul: (old: number, value: number) => old * value,
    max: Math.max,
    min: Math.min,
  })[stringAttribute(node, "reduction", "none")];

/** Offsets in `dims` that rows of indices point to; undefined when one is out of range. */
function offsets(indices: NumberArray, dims: readonly number[]): readonly number[] | undefined {
  const depth = indices.dims.at(-1) ?? 0;
  const rows = depth === 0 ? 0 : indices.data.length / depth;
  const result: number[] = [];
  for (let row = 0; row < rows; row++) {
    let at = 0;
    for (let k = 0; k < depth; k++) {
      const extent = dims[k] ?? 0;
      const position = normalAxis(indices.data[row * depth + k] ?? 0, extent);
      if (!(position >= 0 && position < extent)) return undefined;
      at = at * extent + position;
    }
    result.push(at);
  }
  return result;
}

export function scatterNd(
  node: Node,
  a: NumberArray,
  indices: NumberArray,
  updates: NumberArray,
): NumberArray | undefined {
  const put = combine(node);
  const at = offsets(indices, a.dims);
  if (put === undefined || at === undefined) return undefined;
  const block = countOf(a.dims.slice(indices.dims.at(-1) ?? 0));
  const result = copyOf(a);
  for (const [row, offset] of at.entries()) {
    for (let i = 0; i < block; i++) {
      const to = offset * block + i;
      result.data[to] = put(result.data[to] ?? 0, updates.data[row * block + i] ?? 0);
    }
  }
  return result;
}

export function gatherNd(
  node: Node,
  a: NumberArray,
  indices: NumberArray,
  dims: readonly number[],
): NumberArray | undefined {
  const at = offsets(indices, a.dims);
  if (intAttribute(node, "batch_dims", 0) !== 0 || at === undefined) return undefined;
  const block = countOf(a.dims.slice(indices.dims.at(-1) ?? 0));
  const data = allocate(a.dtype, countOf(dims));
  for (const [row, offset] of at.entries()) {
    for (let i = 0; i < block; i++) data[row * block + i] = a.data[offset * block + i] ?? 0;
  }
  return { dtype: a.dtype, dims, data };
}

/** For each element of `indices`, the offset in `dims` with its coordinate along the axis replaced by its value. */
function alongAxis(indices: NumberArray, dims: readonly number[], axis: number): Int32Array | undefined {
  const result = new Int32Array(indices.data.length);
  const extent = dims[axis] ?? 0;
  for (let i = 0; i < result.length; i++) {
    const value = normalAxis(indices.data[i] ?? 0, extent);
    if (!(value >= 0 && value < extent)) return undefined;
    let rest = i;
    let at = 0;
    let stride = 1;
    for (let k = dims.length - 1; k >= 0; k--) {
      const width = indices.dims[k] ?? 1;
      at += (k === axis ? value : rest % width) * stride;
      rest = Math.floor(rest / width);
      stride *= dims[k] ?? 1;
    }
    result[i] = at;
  }
  return result;
}

export function scatter(
  node: Node,
  a: NumberArray,
  indices: NumberArray,
  updates: NumberArray,
): NumberArray | undefined {
  const put = combine(node);
  const at = alongAxis(indices, a.dims, normalAxis(intAttribute(node, "axis", 0), a.dims.length));
  if (put === undefined || at === undefined) return undefined;
  const result = copyOf(a);
  for (const [i, to] of at.entries()) result.data[to] = put(result.data[to] ?? 0, updates.data[i] ?? 0);
  return result;
}

export function gatherElements(node: Node, a: NumberArray, indices: NumberArray): NumberArray | undefined {
  const at = alongAxis(indices, a.dims, normalAxis(intAttribute(node, "axis", 0), a.dims.length));
  if (at === undefined) return undefined;
  const data = allocate(a.dtype, at.length);
  for (const [i, from] of at.entries()) data[i] = a.data[from] ?? 0;
  return { dtype: a.dtype, dims: indices.dims, data };
}

/** Coordinates of what is not zero, a column for each. */
export function nonZero(a: NumberArray): NumberArray {
  const found: number[] = [];
  for (const [i, value] of a.data.entries()) if (value !== 0) found.push(i);
  const data = new Float64Array(a.dims.length * found.length);
  for (const [column, position] of found.entries()) {
    let rest = position;
    for (let k = a.dims.length - 1; k >= 0; k--) {
      const extent = a.dims[k] ?? 1;
      data[k * found.length + column] = rest % extent;
      rest = Math.floor(rest / extent);
    }
  }
  return { dtype: "int64", dims: [a.dims.length, found.length], data };
}

export function trilu(node: Node, a: NumberArray, k: NumberArray | undefined): NumberArray {
  const [rows = 1, columns = 1] = a.dims.slice(-2);
  const diagonal = k?.data[0] ?? 0;
  const upper = intAttribute(node, "upper", 1) !== 0;
  const result = copyOf(a);
  for (let i = 0; i < result.data.length; i++) {
    const distance = (i % columns) - (Math.floor(i / columns) % rows) - diagonal;
    if (upper ? distance < 0 : distance > 0) result.data[i] = 0;
  }
  return result;
}

export function cumSum(node: Node, a: NumberArray, axisValue: number): NumberArray | undefined {
  const plain = intAttribute(node, "exclusive", 0) === 0 && intAttribute(node, "reverse", 0) === 0;
  if (!plain) return undefined;
  const axis = normalAxis(axisValue, a.dims.length);
  const inner = countOf(a.dims.slice(axis + 1));
  const extent = a.dims[axis] ?? 1;
  const result = copyOf(a);
  for (let i = 0; i < result.data.length; i++) {
    if (Math.floor(i / inner) % extent > 0)
      result.data[i] = (result.data[i] ?? 0) + (result.data[i - inner] ?? 0);
  }
  return result;
}

export function oneHot(
  node: Node,
  a: NumberArray,
  values: NumberArray,
  dims: readonly number[],
): NumberArray {
  const axis = normalAxis(intAttribute(node, "axis", -1), dims.length);
  const depth = dims[axis] ?? 1;
  const inner = countOf(dims.slice(axis + 1));
  const [off = 0, on = 1] = values.data;
  const data = allocate(values.dtype, countOf(dims)).map((_, i) => {
    const outer = Math.floor(i / (inner * depth));
    const hot = normalAxis(a.data[outer * inner + (i % inner)] ?? 0, depth);
    return Math.floor(i / inner) % depth === hot ? on : off;
  });
  return { dtype: values.dtype, dims, data };
}

/** Constant padding; other modes, and cutting by negative pads, are left to the runtime. */
export function pad(
  node: Node,
  inputs: readonly (NumberArray | undefined)[],
  dims: readonly number[],
): NumberArray | undefined {
  const [a, padsInput, value, axesInput] = inputs;
  const pads = intsAttribute(node, "pads") ?? (padsInput && Array.from(padsInput.data));
  if (a === undefined || pads === undefined || stringAttribute(node, "mode", "constant") !== "constant") {
    return undefined;
  }
  const axes = axesInput
    ? Array.from(axesInput.data, (axis) => normalAxis(axis, a.dims.length))
    : [...a.dims.keys()];
  if (pads.some((width) => width < 0)) return undefined;
  const before = a.dims.map((_, i) => (axes.includes(i) ? (pads[axes.indexOf(i)] ?? 0) : 0));
  const data = allocate(a.dtype, countOf(dims)).fill(value?.data[0] ?? floatAttribute(node, "value", 0));
  for (let i = 0; i < a.data.length; i++) {
    let rest = i;
    let at = 0;
    let stride = 1;
    for (let k = dims.length - 1; k >= 0; k--) {
      const width = a.dims[k] ?? 1;
      at += ((rest % width) + (before[k] ?? 0)) * stride;
      rest = Math.floor(rest / width);
      stride *= dims[k] ?? 1;
    }
    data[at] = a.data[i] ?? 0;
  }
  return { dtype: a.dtype, dims, data };
}
