/**
 * @file Operators that only move elements (Transpose, Slice, Gather, Concat, …) as maps of indices. One definition
 * serves constants of any type and the symbolic content of shape arithmetic alike.
 */
import { intAttribute, intsAttribute } from "../attributes.js";
import type { Node } from "../graph.js";
import { countOf } from "./array.js";
import { normalAxis } from "./rule.js";
import { clampBound } from "./rules/select.js";

export interface Moved {
  readonly dims: readonly number[];
  /** For each element its index in the source; undefined: the same order. */
  readonly index: Int32Array | undefined;
}

export interface MoveInputs {
  dims(input: number): readonly number[] | undefined;
  numbers(input: number): readonly number[] | undefined;
}

const SAME_ORDER = new Set(["Reshape", "Squeeze", "Unsqueeze", "Flatten", "Identity", "Dropout"]);

const stridesOf = (dims: readonly number[]): readonly number[] =>
  dims.map((_, i) => countOf(dims.slice(i + 1)));

/** Indices of a strided view, row-major. */
function strided(dims: readonly number[], strides: readonly number[], offset = 0): Int32Array {
  const size = countOf(dims);
  const index = new Int32Array(size);
  if (size === 0) return index;
  index[0] = offset;
  let filled = 1;
  // From the innermost axis outwards, the block written so far is repeated with its stride.
  for (let axis = dims.length - 1; axis >= 0; axis--) {
    const block = filled;
    const stride = strides[axis] ?? 0;
    for (let i = 1; i < (dims[axis] ?? 1); i++) {
      for (let j = 0; j < block; j++) index[filled++] = (index[j] ?? 0) + i * stride;
    }
  }
  return index;
}

/** Indices of a view whose smaller source is broadcast to `dims`. */
export function broadcastIndex(source: readonly number[], dims: readonly number[]): Int32Array {
  const lead = dims.length - source.length;
  const strides = stridesOf(source);
  return strided(
    dims,
    dims.map((_, i) => (source[i - lead] === 1 ? 0 : (strides[i - lead] ?? 0))),
  );
}

/** Inputs whose elements are joined to be the source: all of Concat's, else the first. */
export const sourcesOf = (node: Node): readonly string[] =>
  node.op === "Concat" ? node.inputs : node.inputs.slice(0, 1);

/** How the node moves elements, an item for each output, or undefined if it does more or is not known fully. */
export function movement(
  node: Node,
  outputs: readonly (readonly number[])[],
  inputs: MoveInputs,
): readonly Moved[] | undefined {
  if (node.domain !== "") return undefined;
  const [dims] = outputs;
  const source = inputs.dims(0);
  if (dims === undefined || source === undefined) return undefined;
  if (SAME_ORDER.has(node.op)) return [{ dims, index: undefined }];
  const strides = stridesOf(source);
  switch (node.op) {
    case "Transpose": {
      const order = intsAttribute(node, "perm") ?? [...source.keys()].reverse();
      return [
        {
          dims,
          index: strided(
            dims,
            order.map((axis) => strides[axis] ?? 0),
          ),
        },
      ];
    }
    case "Expand":
      return [{ dims, index: broadcastIndex(source, dims) }];
    case "Tile": {
      const view = dims.flatMap((d, i) => [d / Math.max(source[i] ?? 1, 1), source[i] ?? 1]);
      const steps = strides.flatMap((stride) => [0, stride]);
      return [{ dims, index: strided(view, steps) }];
    }
    case "Slice":
      return sliceMove(node, dims, source, inputs);
    case "Split": {
      const axis = normalAxis(intAttribute(node, "axis", 0), source.length);
      let start = 0;
      return outputs.map((part) => {
        const index = strided(part, strides, start * (strides[axis] ?? 0));
        start += part[axis] ?? 0;
        return { dims: part, index };
      });
    }
    case "Gather": {
      const axis = normalAxis(intAttribute(node, "axis", 0), source.length);
      const picks = inputs.numbers(1);
      const extent = source[axis] ?? 0;
      const stride = strides[axis] ?? 0;
      const rows = picks?.map((pick) => normalAxis(pick, extent));
      if (rows === undefined || rows.some((row) => !(row >= 0 && row < extent))) return undefined;
      return [{ dims, index: pickRows(countOf(source.slice(0, axis)), extent * stride, rows, stride) }];
    }
    case "Concat":
      return concatMove(node, dims, inputs);
    default:
      return undefined;
  }
}

function pickRows(outer: number, block: number, rows: readonly number[], inner: number): Int32Array {
  const index = new Int32Array(outer * rows.length * inner);
  let at = 0;
  for (let i = 0; i < outer; i++) {
    for (const row of rows) {
      for (let k = 0; k < inner; k++) index[at++] = i * block + row * inner + k;
    }
  }
  return index;
}

function sliceMove(
  node: Node,
  dims: readonly number[],
  source: readonly number[],
  inputs: MoveInputs,
): readonly Moved[] | undefined {
  const starts = intsAttribute(node, "starts") ?? inputs.numbers(1);
  if (starts === undefined) return undefined;
  const axes = intsAttribute(node, "axes") ?? (node.inputs[3] ? inputs.numbers(3) : [...starts.keys()]);
  const steps = node.inputs[4] ? inputs.numbers(4) : starts.map(() => 1);
  if (axes === undefined || steps === undefined) return undefined;
  const strides = [...stridesOf(source)];
  let offset = 0;
  for (const [i, given] of axes.entries()) {
    const axis = normalAxis(given, source.length);
    const step = steps[i] ?? 1;
    const stride = strides[axis] ?? 0;
    const start = clampBound(starts[i] ?? 0, source[axis] ?? 0, step, true);
    if (typeof start !== "number") return undefined;
    offset += start * stride;
    strides[axis] = stride * step;
  }
  return [{ dims, index: strided(dims, strides, offset) }];
}

function concatMove(node: Node, dims: readonly number[], inputs: MoveInputs): readonly Moved[] | undefined {
  const parts = node.inputs.map((_, i) => inputs.dims(i));
  const axis = normalAxis(intAttribute(node, "axis", 0), dims.length);
  const outer = countOf(dims.slice(0, axis));
  const index = new Int32Array(countOf(dims));
  const row = countOf(dims.slice(axis));
  let base = 0;
  let column = 0;
  for (const part of parts) {
    if (part === undefined) return undefined;
    const width = countOf(part.slice(axis));
    for (let i = 0; i < outer; i++) {
      for (let k = 0; k < width; k++) index[i * row + column + k] = base + i * width + k;
    }
    base += outer * width;
    column += width;
  }
  return [{ dims, index }];
}
