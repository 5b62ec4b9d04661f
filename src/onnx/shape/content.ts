/**
 * @file What small tensors hold, symbolically in the batch: the legacy exporter computes every Reshape and Expand
 * target by a dozen nodes, and following those numbers as scale·N + offset is what makes the targets known.
 * Floats take part too, since exporters divide and round sizes in floating point.
 */
import { intAttribute, tensorAttribute } from "../attributes.js";
import { dataTypeFromCode, isFloatType } from "../data-type.js";
import { addDim, type Dim, dim, divDim, equalsAlways, isStaticShape, mulDim, subDim } from "../dim.js";
import type { DataType, Node, ValueType } from "../graph.js";
import { binaryOf, castNumber, unaryOf } from "./arithmetic.js";
import { countOf, decode } from "./array.js";
import { broadcastIndex, movement, sourcesOf } from "./movement.js";
import { type InferContext, inputDtype, inputInts, inputNumbers, inputShape } from "./rule.js";
import { shapeRange } from "./rules/source.js";

export type Content = readonly Dim[];

/** More elements than this are not shape arithmetic. */
export const CONTENT_LIMIT = 1024;

/** −1, 0 or 1 where the sign of d is the same for all N ≥ 1. */
function signOf(d: Dim): number | undefined {
  if (d === null) return undefined;
  if (typeof d === "number") return Math.sign(d);
  const first = d.scale + d.offset;
  return first !== 0 && Math.sign(first) === Math.sign(d.scale) ? Math.sign(first) : undefined;
}

const truth = (value: boolean | undefined): Dim => (value === undefined ? null : value ? 1 : 0);

function whole(d: Dim, round: (x: number) => number): Dim {
  if (d === null) return null;
  if (typeof d === "number") return round(d);
  return Number.isInteger(d.scale) ? dim(d.scale, round(d.offset)) : null;
}

function divide(a: Dim, b: Dim, dtype: DataType): Dim {
  if (typeof b !== "number" || b === 0 || a === null || typeof a === "number") return divDim(a, b);
  if (isFloatType(dtype)) return dim(a.scale / b, a.offset / b);
  // Truncation is rounding down only for what is not negative.
  return a.scale % b === 0 && signOf(a) !== -1 && b > 0 ? dim(a.scale / b, Math.floor(a.offset / b)) : null;
}

/** Two-argument operators where an argument depends on N or is unknown. */
function symbolicBinary(op: string, a: Dim, b: Dim, dtype: DataType): Dim {
  const difference = (): number | undefined => signOf(subDim(a, b));
  const ordered = (test: (sign: number) => boolean): Dim => {
    const sign = difference();
    return truth(sign === undefined ? undefined : test(sign));
  };
  switch (op) {
    case "Add":
    case "Sum":
      return addDim(a, b);
    case "Sub":
      return subDim(a, b);
    case "Mul":
      return mulDim(a, b);
    case "Div":
      return divide(a, b, dtype);
    case "Mod":
      if (a === null || typeof a === "number" || typeof b !== "number" || b <= 0) return null;
      return a.scale % b === 0 ? a.offset - b * Math.floor(a.offset / b) : null;
    case "Equal":
      return truth(equalsAlways(a, b));
    case "Greater":
      return ordered((sign) => sign > 0);
    case "GreaterOrEqual":
      return ordered((sign) => sign >= 0);
    case "Less":
      return ordered((sign) => sign < 0);
    case "LessOrEqual":
      return ordered((sign) => sign <= 0);
    case "Max":
    case "Min": {
      const sign = difference();
      if (sign === undefined) return null;
      return sign >= 0 === (op === "Max") ? a : b;
    }
    case "And":
      return a === 0 || b === 0 ? 0 : null;
    case "Or":
      return a === 1 || b === 1 ? 1 : null;
    default:
      return null;
  }
}

function symbolicUnary(node: Node, a: Dim): Dim {
  switch (node.op) {
    case "Neg":
      return mulDim(a, -1);
    case "Floor":
      return whole(a, Math.floor);
    case "Ceil":
      return whole(a, Math.ceil);
    case "Round":
      return whole(a, Math.round);
    case "Cast": {
      const to = dataTypeFromCode(intAttribute(node, "to", 0));
      if (to === "bool") return signOf(a) === undefined ? null : signOf(a) === 0 ? 0 : 1;
      if (isFloatType(to)) return a;
      return signOf(a) === -1 ? null : whole(a, Math.floor);
    }
    default:
      return null;
  }
}

function elementwise(node: Node, context: InferContext, dims: readonly number[]): Content | undefined {
  const operands = node.inputs.map((_, i) => broadcastInput(node, i, context, dims));
  const dtype = inputDtype(node, 0, context);
  if (operands.length === 1) {
    const unary = unaryOf(node);
    if (unary === undefined) return undefined;
    return operands[0]?.map((a) => (typeof a === "number" ? (unary(a) ?? null) : symbolicUnary(node, a)));
  }
  const binary = binaryOf(node, dtype);
  if (binary === undefined) return undefined;
  const [first, ...others] = operands;
  return others.reduce<Content | undefined>((left, right) => {
    if (left === undefined || right === undefined) return undefined;
    return left.map((a, i) => {
      const b = right[i] ?? null;
      if (typeof a !== "number" || typeof b !== "number") return symbolicBinary(node.op, a, b, dtype);
      const value = binary(a, b);
      const exact = dtype === "float32" ? castNumber(value, "float32") : value;
      return exact !== undefined && Number.isFinite(exact) ? exact : null;
    });
  }, first);
}

function broadcastInput(
  node: Node,
  input: number,
  context: InferContext,
  dims: readonly number[],
): Content | undefined {
  const content = inputInts(node, input, context);
  const shape = inputShape(node, input, context);
  if (content === undefined || !isStaticShape(shape)) return undefined;
  return Array.from(broadcastIndex(shape, dims), (at) => content[at] ?? null);
}

function where(node: Node, context: InferContext, dims: readonly number[]): Content | undefined {
  const [condition, yes, no] = [0, 1, 2].map((i) => broadcastInput(node, i, context, dims));
  if (condition === undefined) return undefined;
  return condition.map((c, i) => {
    const [a = null, b = null] = [yes?.[i], no?.[i]];
    if (c === null) return equalsAlways(a, b) ? a : null;
    return c === 0 ? b : a;
  });
}

function reduceAll(node: Node, context: InferContext, dims: readonly number[]): Content | undefined {
  const content = inputInts(node, 0, context);
  if (content === undefined || countOf(dims) !== 1) return undefined;
  const combine: Readonly<Record<string, string>> = {
    ReduceProd: "Mul",
    ReduceSum: "Add",
    ReduceMax: "Max",
    ReduceMin: "Min",
  };
  const op = combine[node.op] ?? "";
  const binary = binaryOf({ ...node, op }, "int64");
  const [first, ...rest] = content;
  if (first === undefined || binary === undefined) return undefined;
  const fold = (a: Dim, b: Dim): Dim =>
    typeof a === "number" && typeof b === "number" ? binary(a, b) : symbolicBinary(op, a, b, "int64");
  return [rest.reduce<Dim>(fold, first)];
}

function moved(
  node: Node,
  types: readonly ValueType[],
  context: InferContext,
): readonly Content[] | undefined {
  const dims = types.map(({ shape }) => (isStaticShape(shape) ? shape : undefined));
  const sources = sourcesOf(node).map((_, i) => inputInts(node, i, context));
  if (!sources.every((content) => content !== undefined) || !dims.every((d) => d !== undefined))
    return undefined;
  const staticDims = (input: number): readonly number[] | undefined => {
    const shape = inputShape(node, input, context);
    return isStaticShape(shape) ? shape : undefined;
  };
  const moves = movement(node, dims, {
    dims: staticDims,
    numbers: (input) => inputNumbers(node, input, context),
  });
  const joined = sources.flat();
  return moves?.map(({ index }) => (index ? Array.from(index, (at) => joined[at] ?? null) : joined));
}

/** What the outputs of the node hold, as far as it is small and known. */
export function inferContent(
  node: Node,
  types: readonly ValueType[],
  context: InferContext,
): readonly (Content | undefined)[] {
  const [type] = types;
  if (node.domain !== "" || !isStaticShape(type?.shape)) return [];
  const size = countOf(type.shape);
  // A broken model may say negative sizes.
  if (size > CONTENT_LIMIT || !type.shape.every((d) => Number.isInteger(d) && d >= 0)) return [];
  switch (node.op) {
    case "Shape": {
      const shape = inputShape(node, 0, context);
      if (shape === undefined) return [];
      const range = shapeRange(intAttribute(node, "start", 0), intAttribute(node, "end"), shape.length);
      return [shape.slice(...range)];
    }
    case "Size":
      return [[inputShape(node, 0, context)?.reduce<Dim>((n, d) => mulDim(n, d), 1) ?? null]];
    case "Constant": {
      const tensor = tensorAttribute(node, "value");
      const value = node.attributes.value_int ?? node.attributes.value_float;
      if (value?.kind === "int" || value?.kind === "float") return [[value.value]];
      const list = node.attributes.value_ints ?? node.attributes.value_floats;
      if (list?.kind === "ints" || list?.kind === "floats") return [list.value];
      return [tensor && contentOf(tensor)];
    }
    case "ConstantOfShape": {
      const tensor = tensorAttribute(node, "value");
      const [value] = tensor ? (contentOf(tensor) ?? []) : [0];
      return value === undefined ? [] : [new Array<Dim>(size).fill(value)];
    }
    case "Range": {
      const [start, , delta] = [0, 1, 2].map((i) => inputNumbers(node, i, context)?.[0]);
      if (start === undefined || delta === undefined) return [];
      return [Array.from({ length: size }, (_, i) => start + i * delta)];
    }
    case "Where":
      return [where(node, context, type.shape)];
    case "ReduceProd":
    case "ReduceSum":
    case "ReduceMax":
    case "ReduceMin":
      return [reduceAll(node, context, type.shape)];
    default:
      return moved(node, types, context) ?? [elementwise(node, context, type.shape)];
  }
}

/** The content of a small constant. */
export function contentOf(tensor: Parameters<typeof decode>[0]): Content | undefined {
  if (countOf(tensor.dims) > CONTENT_LIMIT) return undefined;
  const array = decode(tensor);
  return array && Array.from(array.data);
}
