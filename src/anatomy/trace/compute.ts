/**
 * @file Tracing through operators that compute. Elementwise ones and norms pass tokens on; reductions and strided
 * convolutions make one token of what they sum over.
 */
import { intAttribute, intsAttribute } from "../../onnx/attributes.js";
import { broadcastDims, concat, expand, type IndexTensor, slice } from "./index-tensor.js";
import { joined, range, united } from "./join.js";
import { einsum, gemm, matmul } from "./products.js";
import { reshape } from "./reshape.js";
import { frontAxis, type TraceContext, type TraceRule } from "./rule.js";

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
