/** @file Shapes of reductions and of what picks along an axis (ArgMax, TopK). */
import { intAttribute } from "../../attributes.js";
import {
  axesOf,
  axisAttribute,
  type InferRule,
  inputNumbers,
  inputShape,
  inputType,
  normalAxis,
  type RuleTable,
  withDim,
} from "../rule.js";

const reduce: InferRule = (node, context) => {
  const { dtype, shape } = inputType(node, 0, context);
  const axes = axesOf(node, 1, context);
  const keep = intAttribute(node, "keepdims", 1) !== 0;
  if (shape === undefined) return [{ dtype, shape: undefined }];
  if (axes === null) return [{ dtype, shape: keep ? shape.map(() => null) : undefined }];
  const none = axes === undefined || axes.length === 0;
  if (none && intAttribute(node, "noop_with_empty_axes", 0) !== 0) return [{ dtype, shape }];
  const reduced = new Set(none ? shape.keys() : axes.map((axis) => normalAxis(axis, shape.length)));
  return [
    {
      dtype,
      shape: keep ? shape.map((d, i) => (reduced.has(i) ? 1 : d)) : shape.filter((_, i) => !reduced.has(i)),
    },
  ];
};

const pick: InferRule = (node, context) => {
  const shape = inputShape(node, 0, context);
  const axis = shape && axisAttribute(node, 0, shape.length);
  if (axis === undefined || shape === undefined) return [{ dtype: "int64", shape: undefined }];
  const keep = intAttribute(node, "keepdims", 1) !== 0;
  return [{ dtype: "int64", shape: keep ? withDim(shape, axis, 1) : shape.toSpliced(axis, 1) }];
};

const topK: InferRule = (node, context) => {
  const { dtype, shape } = inputType(node, 0, context);
  const axis = shape && axisAttribute(node, -1, shape.length);
  const k = inputNumbers(node, 1, context)?.[0] ?? null;
  const out = shape === undefined || axis === undefined ? undefined : withDim(shape, axis, k);
  return [
    { dtype, shape: out },
    { dtype: "int64", shape: out },
  ];
};

const REDUCTIONS = ["L1", "L2", "LogSum", "LogSumExp", "Max", "Mean", "Min", "Prod", "Sum", "SumSquare"];

export const reduceRules: RuleTable = {
  ...Object.fromEntries(REDUCTIONS.map((name) => [`Reduce${name}`, reduce])),
  ArgMax: pick,
  ArgMin: pick,
  TopK: topK,
};
