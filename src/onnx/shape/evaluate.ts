/**
 * @file Computes a node whose inputs are all constants: a small interpreter for what exporters leave behind
 * (attention masks, relative-position indices and biases, frequencies), not a runtime. What it does not know
 * stays in the graph, where the runtime computes it once.
 */
import { intAttribute, tensorAttribute } from "../attributes.js";
import { elementSize } from "../data-type.js";
import { isStaticShape, type Shape } from "../dim.js";
import type { Node, Tensor, ValueType } from "../graph.js";
import { binaryOf, clipAttributes, unaryOf } from "./arithmetic.js";
import { allocate, countOf, decode, encode, type NumberArray } from "./array.js";
import {
  cumSum,
  gatherElements,
  gatherNd,
  nonZero,
  oneHot,
  pad,
  scatter,
  scatterNd,
  trilu,
} from "./evaluate-index.js";
import { gemm, matmul, reduce, softmax } from "./evaluate-linear.js";
import { broadcastIndex, movement, sourcesOf } from "./movement.js";

/** Larger results are left to the runtime. */
export const FOLD_LIMIT = 4 * 2 ** 20;

/** Known, and no nonsense that only a broken model would say. */
export function isPossible(shape: Shape | undefined): shape is readonly number[] {
  return isStaticShape(shape) && shape.every((d) => Number.isInteger(d) && d >= 0);
}

/** Evaluates one node; `types` are the inferred types of its outputs. Undefined where it cannot. */
export function evaluate(
  node: Node,
  inputs: readonly (Tensor | undefined)[],
  types: readonly ValueType[],
): readonly Tensor[] | undefined {
  if (node.domain !== "") return undefined;
  const shapes = types.map(({ shape }) => (isPossible(shape) ? shape : undefined));
  // Only NonZero's shape depends on what its input holds.
  if (
    node.op !== "NonZero" &&
    !shapes.every((shape) => shape !== undefined && countOf(shape) <= FOLD_LIMIT)
  ) {
    return undefined;
  }
  const dims = shapes.flatMap((shape) => (shape ? [shape] : []));
  const moved = move(node, inputs, dims);
  if (moved) return moved;
  const arrays = inputs.map((tensor) => tensor && decode(tensor));
  if (arrays.some((array, i) => array === undefined && inputs[i] !== undefined)) return undefined;
  const result = compute(node, arrays, types[0]?.dtype ?? "other", dims[0] ?? []);
  return result && [encode(result)];
}

/** Moves elements as bytes, whatever their type. */
function move(
  node: Node,
  inputs: readonly (Tensor | undefined)[],
  dims: readonly (readonly number[])[],
): readonly Tensor[] | undefined {
  const [first] = inputs;
  const width = first ? elementSize(first.dtype) : 0;
  if (first === undefined || width === 0 || first.strings) return undefined;
  const moves = movement(node, dims, {
    dims: (input) => inputs[input]?.dims,
    numbers: (input) => {
      const tensor = inputs[input];
      const array = tensor && decode(tensor);
      return array && Array.from(array.data);
    },
  });
  if (moves === undefined) return undefined;
  const parts = sourcesOf(node).flatMap((_, i) => inputs[i]?.bytes ?? []);
  return moves.map(({ dims: shape, index }) => {
    const [only] = parts;
    // The same elements in the same order share the bytes of the file.
    if (index === undefined && only) return { dtype: first.dtype, dims: shape, bytes: only };
    return { dtype: first.dtype, dims: shape, bytes: pick(join(parts), index ?? new Int32Array(0), width) };
  });
}

function join(parts: readonly Uint8Array[]): Uint8Array {
  const [only] = parts;
  if (parts.length === 1 && only) return only;
  const bytes = new Uint8Array(parts.reduce((size, part) => size + part.byteLength, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.byteLength;
  }
  return bytes;
}

function pick(source: Uint8Array, index: Int32Array, width: number): Uint8Array {
  const bytes = new Uint8Array(index.length * width);
  if (width === 4) {
    const words = source.byteOffset % 4 === 0 ? source : new Uint8Array(source);
    const from = new Int32Array(words.buffer, words.byteOffset, words.byteLength >> 2);
    const to = new Int32Array(bytes.buffer);
    for (let i = 0; i < index.length; i++) to[i] = from[index[i] ?? 0] ?? 0;
    return bytes;
  }
  for (let i = 0; i < index.length; i++) {
    const at = (index[i] ?? 0) * width;
    for (let k = 0; k < width; k++) bytes[i * width + k] = source[at + k] ?? 0;
  }
  return bytes;
}

function compute(
  node: Node,
  arrays: readonly (NumberArray | undefined)[],
  dtype: ValueType["dtype"],
  dims: readonly number[],
): NumberArray | undefined {
  const [a, b, c] = arrays;
  switch (node.op) {
    case "ConstantOfShape": {
      const value = tensorAttribute(node, "value");
      const fill = value ? decode(value)?.data[0] : 0;
      return fill === undefined
        ? undefined
        : { dtype, dims, data: allocate(dtype, countOf(dims)).fill(fill) };
    }
    case "Range":
      return (
        a && c && { dtype, dims, data: allocate(dtype, countOf(dims)).map((_, i) => start(a) + i * start(c)) }
      );
    case "EyeLike":
      return eye(dtype, dims, intAttribute(node, "k", 0));
    case "Where":
      return (
        a && b && c && zip([a, b, c], dtype, dims, (values) => (values[0] === 0 ? values[2] : values[1]) ?? 0)
      );
    case "Clip": {
      const [low, high] = clipAttributes(node);
      return a && map(a, dtype, (x) => Math.min(Math.max(x, b ? start(b) : low), c ? start(c) : high));
    }
    case "MatMul":
      return a && b && matmul(a, b, dims);
    case "Gemm":
      return a && b && gemm(node, a, b, c, dims);
    case "Softmax":
      return a && softmax(node, a);
    case "Trilu":
      return a && trilu(node, a, b);
    case "CumSum":
      return a && b && cumSum(node, a, start(b));
    case "NonZero":
      return a && nonZero(a);
    case "OneHot":
      return a && c && oneHot(node, a, c, dims);
    case "Pad":
      return a && pad(node, arrays, dims);
    case "GatherElements":
      return a && b && gatherElements(node, a, b);
    case "GatherND":
      return a && b && gatherNd(node, a, b, dims);
    case "ScatterND":
      return a && b && c && scatterNd(node, a, b, c);
    case "ScatterElements":
      return a && b && c && scatter(node, a, b, c);
    default:
      if (node.op.startsWith("Reduce")) return a && reduce(node, a, b, dims);
      return elementwise(node, arrays, dtype, dims);
  }
}

const start = (array: NumberArray): number => array.data[0] ?? 0;

function eye(dtype: ValueType["dtype"], dims: readonly number[], k: number): NumberArray {
  const columns = dims[1] ?? 1;
  const data = allocate(dtype, countOf(dims)).map((_, i) =>
    i % columns === Math.floor(i / columns) + k ? 1 : 0,
  );
  return { dtype, dims, data };
}

function map(a: NumberArray, dtype: ValueType["dtype"], f: (x: number) => number): NumberArray {
  const data = allocate(dtype, a.data.length);
  for (let i = 0; i < data.length; i++) data[i] = f(a.data[i] ?? 0);
  return { dtype, dims: a.dims, data };
}

function zip(
  operands: readonly NumberArray[],
  dtype: ValueType["dtype"],
  dims: readonly number[],
  f: (values: readonly number[]) => number,
): NumberArray {
  const size = countOf(dims);
  const data = allocate(dtype, size);
  const indices = operands.map((operand) =>
    countOf(operand.dims) === size ? undefined : broadcastIndex(operand.dims, dims),
  );
  const values = operands.map(() => 0);
  for (let i = 0; i < size; i++) {
    for (let k = 0; k < operands.length; k++) values[k] = operands[k]?.data[indices[k]?.[i] ?? i] ?? 0;
    data[i] = f(values);
  }
  return { dtype, dims, data };
}

function elementwise(
  node: Node,
  arrays: readonly (NumberArray | undefined)[],
  dtype: ValueType["dtype"],
  dims: readonly number[],
): NumberArray | undefined {
  const operands = arrays.flatMap((array) => (array ? [array] : []));
  const [a] = operands;
  if (a === undefined || operands.length !== node.inputs.length) return undefined;
  if (operands.length === 1) {
    const unary = unaryOf(node);
    if (unary === undefined) return undefined;
    // NaN marks what has no defined conversion; a NaN that was there before is left to the runtime too.
    const result = map(a, dtype, (x) => unary(x) ?? Number.NaN);
    return dtype !== "float32" && dtype !== "float64" && result.data.some(Number.isNaN) ? undefined : result;
  }
  const binary = binaryOf(node, a.dtype);
  if (binary === undefined) return undefined;
  // A plain reduce over the operands, two at a time (Max, Min and Sum take any number).
  const result = zip(operands, dtype, dims, (values) => values.reduce((x, y) => binary(x, y)));
  const undefinedInteger = dtype !== "float32" && dtype !== "float64" && !result.data.every(Number.isFinite);
  return undefinedInteger ? undefined : result;
}
