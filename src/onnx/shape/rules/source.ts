/** @file Shapes of operators that make tensors out of little or nothing: Constant, Shape, Range, … */
import {
  floatAttribute,
  floatsAttribute,
  intAttribute,
  intsAttribute,
  tensorAttribute,
} from "../../attributes.js";
import { dataTypeFromCode } from "../../data-type.js";
import { type Dim, sameDim, subDim } from "../../dim.js";
import type { ValueType } from "../../graph.js";
import {
  type InferRule,
  inputDtype,
  inputInts,
  inputShape,
  inputType,
  normalAxis,
  type RuleTable,
  UNKNOWN,
} from "../rule.js";

const constant: InferRule = (node) => {
  const tensor = tensorAttribute(node, "value");
  if (tensor) return [{ dtype: tensor.dtype, shape: tensor.dims }];
  if (intAttribute(node, "value_int") !== undefined) return [{ dtype: "int64", shape: [] }];
  if (floatAttribute(node, "value_float") !== undefined) return [{ dtype: "float32", shape: [] }];
  const ints = intsAttribute(node, "value_ints");
  if (ints) return [{ dtype: "int64", shape: [ints.length] }];
  const floats = floatsAttribute(node, "value_floats");
  if (floats) return [{ dtype: "float32", shape: [floats.length] }];
  return [UNKNOWN];
};

const constantOfShape: InferRule = (node, context) => {
  const dtype = tensorAttribute(node, "value")?.dtype ?? "float32";
  const shape = inputInts(node, 0, context);
  if (shape) return [{ dtype, shape }];
  const rank = inputShape(node, 0, context)?.[0];
  return [{ dtype, shape: typeof rank === "number" ? new Array<Dim>(rank).fill(null) : undefined }];
};

/** First and last axis (exclusive) that Shape reports. */
export function shapeRange(start: number, end: number | undefined, rank: number): readonly [number, number] {
  const clamp = (axis: number): number => Math.min(Math.max(normalAxis(axis, rank), 0), rank);
  return [clamp(start), end === undefined ? rank : clamp(end)];
}

const shapeOf: InferRule = (node, context) => {
  const shape = inputShape(node, 0, context);
  if (shape === undefined) return [{ dtype: "int64", shape: [null] }];
  const [from, to] = shapeRange(intAttribute(node, "start", 0), intAttribute(node, "end"), shape.length);
  return [{ dtype: "int64", shape: [Math.max(0, to - from)] }];
};

const range: InferRule = (node, context) => {
  const dtype = inputDtype(node, 0, context);
  const [start, limit, delta] = [0, 1, 2].map((i) => inputInts(node, i, context)?.[0] ?? null);
  if (typeof delta === "number" && typeof start === "number" && typeof limit === "number") {
    return [{ dtype, shape: [Math.max(0, Math.ceil((limit - start) / delta))] }];
  }
  return [{ dtype, shape: [sameDim(delta, 1) ? subDim(limit ?? null, start ?? null) : null] }];
};

const eyeLike: InferRule = (node, context) => {
  const { dtype, shape } = inputType(node, 0, context);
  const code = intAttribute(node, "dtype");
  return [{ dtype: code === undefined ? dtype : dataTypeFromCode(code), shape }];
};

const nonZero: InferRule = (node, context) => [
  { dtype: "int64", shape: [inputShape(node, 0, context)?.length ?? null, null] },
];

const random: InferRule = (node): readonly ValueType[] => [
  { dtype: dataTypeFromCode(intAttribute(node, "dtype", 1)), shape: intsAttribute(node, "shape") },
];

export const sourceRules: RuleTable = {
  Constant: constant,
  ConstantOfShape: constantOfShape,
  Shape: shapeOf,
  Size: () => [{ dtype: "int64", shape: [] }],
  Range: range,
  EyeLike: eyeLike,
  RandomNormalLike: eyeLike,
  RandomUniformLike: eyeLike,
  RandomNormal: random,
  RandomUniform: random,
  NonZero: nonZero,
};
