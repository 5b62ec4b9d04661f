/**
 * @file Tracing through operators that compute. Elementwise ones pass tokens on; contractions with weights make
 * one token of what they sum over (a patch merging, a mean); attention keeps the query's place.
 */
import { intAttribute, intsAttribute, stringAttribute } from "../../onnx/attributes.js";
import {
  broadcastDims,
  combine,
  concat,
  expand,
  type IndexTensor,
  reduce,
  reshape,
  slice,
  take,
  transpose,
} from "./index-tensor.js";
import { NOWHERE } from "./origins.js";
import { frontAxis, type TraceContext, type TraceRule } from "./rule.js";

const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i);

function joined(c: TraceContext, x: IndexTensor, axes: readonly number[]): IndexTensor {
  return reduce(x, axes, (ids) => c.origins.unionOf(ids));
}

/** The union of tensors that broadcast to dims. */
function united(
  c: TraceContext,
  parts: readonly IndexTensor[],
  dims: readonly number[],
): readonly IndexTensor[] | string {
  const wide = parts.map((p) => expand(p, dims)).filter((p) => p !== undefined);
  const only = wide[0];
  if (only === undefined || wide.length < parts.length) return "combines shapes that do not fit";
  if (wide.length === 1) return [only];
  return [wide.reduce((x, y) => combine(x, y, (a, b) => c.origins.union(a, b)))];
}

/** Elementwise with broadcasting: constants have no say. */
export const elementwise: TraceRule = (c) => {
  const parts: IndexTensor[] = [];
  const shapes: (readonly number[])[] = [];
  for (const [i, name] of c.node.inputs.entries()) {
    if (name === "") continue;
    const x = c.traced(i);
    const dims = x?.dims ?? c.dims(i);
    if (dims === undefined) return "combines a tensor of unknown size";
    shapes.push(dims);
    if (x !== undefined) parts.push(x);
  }
  const dims = broadcastDims(shapes);
  return dims === undefined ? "combines shapes that do not fit" : united(c, parts, dims);
};

/** The other inputs are parameters with shapes of their own; further outputs are statistics. */
const passing: TraceRule = (c) => {
  const x = c.traced(0);
  if (x === undefined) return "has its parameters computed from the tokens";
  return c.node.outputs.map((_, i) => (i === 0 ? x : "constant"));
};

/** Takes no more than the type of its second input. */
const castLike: TraceRule = (c) => [c.traced(0) ?? "constant"];

/** Normalisation over some axes: the place stays, but what is read is all that is normalised over. */
const normalisation =
  (axesOf: (c: TraceContext, rank: number) => readonly number[]): TraceRule =>
  (c) => {
    const x = c.traced(0);
    if (x === undefined) return "is normalised by the tokens";
    if (c.mode === "place") return passing(c);
    const mixed = expand(joined(c, x, axesOf(c, x.dims.length)), x.dims);
    if (mixed === undefined) return "has an unknown shape";
    return c.node.outputs.map((_, i) => (i === 0 ? mixed : "constant"));
  };

const softmaxAxes = (c: TraceContext, rank: number): number[] => {
  const axis = frontAxis(intAttribute(c.node, "axis", c.opset < 13 ? 1 : -1), rank);
  return c.opset < 13 ? range(axis, rank) : [axis];
};

const fromAxis = (c: TraceContext, rank: number): number[] =>
  range(frontAxis(intAttribute(c.node, "axis", -1), rank), rank);

const reduction: TraceRule = (c) => {
  const x = c.traced(0);
  if (x === undefined) return "takes its axes from the tokens";
  const given = c.ints(1) ?? intsAttribute(c.node, "axes");
  const none = given === undefined || given.length === 0;
  if (none && intAttribute(c.node, "noop_with_empty_axes", 0) === 1) return [x];
  const rank = x.dims.length;
  const axes = none ? range(0, rank) : given.map((a) => frontAxis(a, rank));
  const result = joined(c, x, axes);
  if (intAttribute(c.node, "keepdims", 1) === 1) return [result];
  return [
    reshape(
      result,
      x.dims.filter((_, i) => !axes.includes(i)),
    ),
  ];
};

const argument: TraceRule = (c) => {
  const x = c.traced(0);
  if (x === undefined) return "takes its axes from the tokens";
  const axis = frontAxis(intAttribute(c.node, "axis", 0), x.dims.length);
  const result = joined(c, x, [axis]);
  const keep = intAttribute(c.node, "keepdims", 1) === 1;
  return [
    keep
      ? result
      : reshape(
          result,
          x.dims.filter((_, i) => i !== axis),
        ),
  ];
};

const globalPool: TraceRule = (c) => {
  const x = c.traced(0);
  return x === undefined ? "has no traced input" : [joined(c, x, range(2, x.dims.length))];
};

/** [.., M, K] → [.., M, N]: one row of the left operand makes a row of the output. */
function rowsOf(c: TraceContext, x: IndexTensor, columns: number): IndexTensor {
  const rows = joined(c, x, [x.dims.length - 1]);
  return { ...rows, dims: [...rows.dims.slice(0, -1), columns], strides: [...rows.strides.slice(0, -1), 0] };
}

/** [.., K, N] → [.., M, N]: all rows of the right operand make each row of the output. */
function columnsOf(c: TraceContext, y: IndexTensor, rows: number): IndexTensor {
  const axis = y.dims.length - 2;
  const columns = joined(c, y, [axis]);
  const dims = columns.dims.map((d, i) => (i === axis ? rows : d));
  return { ...columns, dims, strides: columns.strides.map((s, i) => (i === axis ? 0 : s)) };
}

/** Const [M, K] · tokens [.., K, N]: a row reads the tokens with a weight other than zero. */
function weightedRows(c: TraceContext, y: IndexTensor): IndexTensor | undefined {
  const weights = c.constant(0);
  const [m = 0, k = 0] = weights?.dims.slice(-2) ?? [];
  if (weights === undefined || weights.data.length !== m * k || m * k > 2 ** 20) return undefined;
  if (!weights.data.includes(0)) return undefined;
  const axis = y.dims.length - 2;
  const rows = range(0, m).map((row) => {
    const weighted = range(0, k).filter((i) => weights.data[row * k + i] !== 0);
    return joined(c, take(y, axis, weighted.length > 0 ? weighted : [-1], NOWHERE), [axis]);
  });
  return concat(rows, axis);
}

const matmul: TraceRule = (c) => {
  const aDims = c.traced(0)?.dims ?? c.dims(0);
  const bDims = c.traced(1)?.dims ?? c.dims(1);
  if (aDims === undefined || bDims === undefined) return "multiplies a matrix of unknown size";
  // A vector on either side is a matrix with an axis of length 1 that the output does not have.
  const a = aDims.length === 1 ? [1, ...aDims] : aDims;
  const b = bDims.length === 1 ? [...bDims, 1] : bDims;
  const [m = 1, n = 1] = [a.at(-2), b.at(-1)];
  const outer = broadcastDims([a.slice(0, -2), b.slice(0, -2)]);
  if (outer === undefined) return "multiplies shapes that do not fit";
  const x = c.traced(0);
  const y = c.traced(1);
  const parts: IndexTensor[] = [];
  if (x !== undefined) parts.push(rowsOf(c, reshape(x, a), n));
  if (y !== undefined && (x === undefined || c.mode === "reads")) {
    const right = reshape(y, b);
    parts.push((x === undefined ? weightedRows(c, right) : undefined) ?? columnsOf(c, right, m));
  }
  const result = united(c, parts, [...outer, m, n]);
  if (typeof result === "string" || (aDims.length > 1 && bDims.length > 1)) return result;
  const dims = [...outer, ...(aDims.length > 1 ? [m] : []), ...(bDims.length > 1 ? [n] : [])];
  return result.map((r) => reshape(r, dims));
};

const gemm: TraceRule = (c) => {
  const flip = (x: IndexTensor | undefined, attribute: string): IndexTensor | undefined =>
    x !== undefined && intAttribute(c.node, attribute, 0) === 1 ? transpose(x, [1, 0]) : x;
  const x = flip(c.traced(0), "transA");
  const y = flip(c.traced(1), "transB");
  const dims = c.outputDims(0) ?? c.traced(2)?.dims;
  const m = x?.dims[0] ?? dims?.[0];
  const bDims = y?.dims ?? c.dims(1);
  const n = y?.dims[1] ?? (intAttribute(c.node, "transB", 0) === 1 ? bDims?.[0] : bDims?.[1]);
  if (m === undefined || n === undefined) return "multiplies a matrix of unknown size";
  const parts: IndexTensor[] = [];
  if (x !== undefined) parts.push(rowsOf(c, x, n));
  if (y !== undefined && (x === undefined || c.mode === "reads")) parts.push(columnsOf(c, y, m));
  const bias = c.traced(2);
  if (bias !== undefined) parts.push(bias);
  return united(c, parts, [m, n]);
};

/** Explicit equations without repeated labels in an operand or an ellipsis. */
const einsum: TraceRule = (c) => {
  const [left = "", right] = stringAttribute(c.node, "equation", "").replaceAll(" ", "").split("->");
  const terms = left.split(",");
  if (right === undefined || left.includes(".")) return "is an Einsum without an explicit output";
  const sizes = new Map<string, number>();
  for (const [i, term] of terms.entries()) {
    const dims = c.traced(i)?.dims ?? c.dims(i);
    if (dims === undefined) return "multiplies a tensor of unknown size";
    [...term].forEach((label, axis) => {
      sizes.set(label, dims[axis] ?? 1);
    });
  }
  const dims = [...right].map((label) => sizes.get(label) ?? 1);
  const parts: IndexTensor[] = [];
  for (const [i, term] of terms.entries()) {
    const x = c.traced(i);
    if (x === undefined || (c.mode === "place" && parts.length > 0)) continue;
    const labels = [...term];
    const summed = labels.flatMap((label, axis) => (right.includes(label) ? [] : [axis]));
    const kept = labels.filter((label) => right.includes(label));
    const reduced = reshape(
      joined(c, x, summed),
      kept.map((label) => sizes.get(label) ?? 1),
    );
    const order = [...right].filter((label) => kept.includes(label));
    const ordered = transpose(
      reduced,
      order.map((label) => kept.indexOf(label)),
    );
    parts.push(
      reshape(
        ordered,
        [...right].map((label) => (kept.includes(label) ? (sizes.get(label) ?? 1) : 1)),
      ),
    );
  }
  return united(c, parts, dims);
};

/** Joins, for each output position of an axis, the input positions [start, end) that it covers. */
function joinRegions(
  c: TraceContext,
  x: IndexTensor,
  axis: number,
  regions: readonly (readonly [number, number])[],
): IndexTensor {
  const length = x.dims[axis] ?? 0;
  const parts = regions.map(([start, end]) => {
    const from = Math.min(Math.max(start, 0), length - 1);
    const to = Math.max(Math.min(end, length), from + 1);
    return joined(c, slice(x, axis, from, 1, to - from), [axis]);
  });
  return concat(parts, axis);
}

/**
 * Convolution and pooling. As places: a same-size one leaves each position where it is, a strided one makes a
 * position of each cell of stride × stride. As reads: the receptive field.
 */
const windowed =
  (mixesChannels: boolean): TraceRule =>
  (c) => {
    const x = c.traced(0);
    const out = c.outputDims(0);
    if (x === undefined) return "has its weights computed from the tokens";
    if (out === undefined) return "has an unknown shape";
    const spatial = range(2, x.dims.length);
    const kernel = intsAttribute(c.node, "kernel_shape") ?? c.dims(1)?.slice(2) ?? [];
    const strides = intsAttribute(c.node, "strides") ?? spatial.map(() => 1);
    const dilations = intsAttribute(c.node, "dilations") ?? spatial.map(() => 1);
    const pads = intsAttribute(c.node, "pads") ?? spatial.flatMap(() => [0, 0]);
    let result = mixesChannels ? joined(c, x, [1]) : x;
    for (const [i, axis] of spatial.entries()) {
      const stride = strides[i] ?? 1;
      const count = out[axis] ?? 0;
      const same = stride === 1 && count === x.dims[axis];
      if (c.mode === "place" && same) continue;
      const extent = ((kernel[i] ?? 1) - 1) * (dilations[i] ?? 1) + 1;
      const start = c.mode === "place" ? 0 : -(pads[i] ?? 0);
      const length = c.mode === "place" && stride > 1 ? stride : extent;
      const regions = range(0, count).map((k) => [start + k * stride, start + k * stride + length] as const);
      result = joinRegions(c, result, axis, regions);
    }
    const dims = result.dims.map((d, axis) => (axis === 1 ? (out[1] ?? d) : d));
    const wide = expand(result, dims);
    return wide === undefined ? "has an unexpected shape" : [wide];
  };

const RULES_BY_KIND: readonly (readonly [TraceRule, string])[] = [
  [
    elementwise,
    "Abs Acos Acosh Add And Asin Asinh Atan Atanh BitShift Cast Ceil Celu Clip Cos Cosh " +
      "Div Elu Equal Erf Exp Floor Gelu Greater GreaterOrEqual HardSigmoid HardSwish Identity IsInf IsNaN " +
      "LeakyRelu Less LessOrEqual Log Max Mean Min Mish Mod Mul Neg Not Or PRelu Pow Reciprocal Relu Round Selu " +
      "Shrink Sigmoid Sign Sin Sinh Softplus Softsign Sqrt Sub Sum Swish Tan Tanh ThresholdedRelu Where Xor " +
      "FastGelu QuickGelu BiasGelu",
  ],
  [passing, "BatchNormalization Dropout DynamicQuantizeLinear QuantizeLinear DequantizeLinear Trilu"],
  [castLike, "CastLike"],
  [normalisation(softmaxAxes), "Softmax LogSoftmax Hardmax"],
  [
    normalisation(fromAxis),
    "LayerNormalization RMSNormalization SimplifiedLayerNormalization LpNormalization",
  ],
  [normalisation((_, rank) => range(2, rank)), "InstanceNormalization"],
  [normalisation((_, rank) => range(1, rank)), "GroupNormalization GroupNorm"],
  [
    reduction,
    "ReduceMean ReduceSum ReduceMax ReduceMin ReduceProd ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceSumSquare",
  ],
  [argument, "ArgMax ArgMin"],
  [globalPool, "GlobalAveragePool GlobalMaxPool GlobalLpPool"],
  [matmul, "MatMul MatMulInteger"],
  [gemm, "Gemm"],
  [einsum, "Einsum"],
  [windowed(true), "Conv ConvInteger"],
  [windowed(false), "AveragePool MaxPool LpPool"],
];

export const COMPUTE_RULES: Readonly<Record<string, TraceRule>> = Object.fromEntries(
  RULES_BY_KIND.flatMap(([rule, ops]) => ops.split(" ").map((op) => [op, rule] as const)),
);
