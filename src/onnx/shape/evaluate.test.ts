import { describe, expect, it } from "vitest";
import { float, int, ints, string } from "../attributes.js";
import type { Attributes } from "../builder.js";
import type { Model, Tensor } from "../graph.js";
import { modelFrom } from "../testing/graphs.js";
import { difference, feedsFor, noise, runModel } from "../testing/run.js";
import { tensorOf } from "./array.js";
import { foldConstants } from "./fold.js";

const floats = (...dims: number[]): Tensor =>
  tensorOf("float32", dims, [
    ...noise(
      dims.reduce((a, b) => a * b, 1),
      dims.length,
    ),
  ]);
const positive = (...dims: number[]): Tensor =>
  tensorOf(
    "float32",
    dims,
    [
      ...noise(
        dims.reduce((a, b) => a * b, 1),
        9,
      ),
    ].map((v) => Math.abs(v) + 0.1),
  );
const longs = (dims: number[], values: number[]): Tensor => tensorOf("int64", dims, values);
const list = (...values: number[]): Tensor => longs([values.length], values);
const bools = (dims: number[], values: number[]): Tensor => tensorOf("bool", dims, values);

type Case = readonly [
  op: string,
  inputs: readonly (Tensor | undefined)[],
  attributes?: Attributes,
  outputs?: number,
];

const a = floats(2, 3, 4);

const CASES: readonly Case[] = [
  ...["Abs", "Ceil", "Cos", "Exp", "Floor", "Neg", "Reciprocal", "Relu", "Round", "Sigmoid", "Sign"].map(
    (op): Case => [op, [a]],
  ),
  ...["Sin", "Tan", "Tanh"].map((op): Case => [op, [a]]),
  ...["Sqrt", "Log"].map((op): Case => [op, [positive(2, 3)]]),
  ...["Add", "Sub", "Mul", "Div", "Max", "Min"].map((op): Case => [op, [a, floats(3, 1)]]),
  ["Max", [a, floats(4), floats(3, 4)]],
  ["Pow", [positive(2, 3), floats(3)]],
  ["Div", [list(7, -7, 7, -7), list(2, 2, -2, -2)]],
  ["Mod", [list(7, -7, 7, -7), list(3, 3, -3, -3)]],
  ["Mod", [a, floats(4)], { fmod: int(1) }],
  ["Round", [tensorOf("float32", [6], [0.5, 1.5, 2.5, -0.5, -1.5, 0.4])]],
  ...["Equal", "Less", "LessOrEqual", "Greater", "GreaterOrEqual"].map(
    (op): Case => [op, [list(1, 2, 3), list(2)]],
  ),
  ...["And", "Or", "Xor"].map((op): Case => [op, [bools([4], [0, 0, 1, 1]), bools([4], [0, 1, 0, 1])]]),
  ["Not", [bools([2], [0, 1])]],
  ["Where", [bools([3, 1], [1, 0, 1]), floats(4), floats(3, 4)]],
  ["Clip", [a, tensorOf("float32", [], [-0.5]), tensorOf("float32", [], [0.25])]],
  ["Cast", [a], { to: int(7) }],
  ["Cast", [list(0, 1, 2)], { to: int(9) }],
  ["Cast", [list(0, 1, 2)], { to: int(1) }],
  ["Reshape", [a, list(0, -1)]],
  ["Squeeze", [floats(1, 3, 1), list(0)]],
  ["Unsqueeze", [floats(3), list(0, 2)]],
  ["Flatten", [a], { axis: int(2) }],
  ["Transpose", [a], { perm: ints([2, 0, 1]) }],
  ["Transpose", [bools([2, 2], [0, 1, 1, 0])], { perm: ints([1, 0]) }],
  ["Concat", [a, floats(2, 1, 4)], { axis: int(1) }],
  ["Slice", [a, list(-1, 0), list(-5, 3), list(2, 1), list(-2, 2)]],
  ["Split", [a, list(1, 2)], { axis: int(1) }, 2],
  ["Gather", [a, longs([2, 2], [0, -1, 2, 1])], { axis: int(1) }],
  ["GatherElements", [floats(2, 3), longs([2, 2], [0, 2, 1, -1])], { axis: int(1) }],
  ["GatherND", [a, longs([2, 2], [0, 1, 1, -1])]],
  ["ScatterND", [a, longs([2, 2], [0, 1, 1, 2]), floats(2, 4)]],
  ["ScatterND", [floats(4), longs([3, 1], [1, 1, 2]), floats(3)], { reduction: string("add") }],
  ["ScatterElements", [floats(3, 3), longs([1, 2], [0, 2]), floats(1, 2)], { axis: int(1) }],
  ["Expand", [floats(3, 1), list(2, 1, 4)]],
  ["Tile", [floats(2, 2), list(2, 3)]],
  ["Pad", [floats(2, 2), list(1, 0, 0, 2), tensorOf("float32", [], [7])]],
  ["Pad", [floats(2, 2), list(1, 1), undefined, list(1)]],
  ["Trilu", [floats(3, 4), longs([], [1])], { upper: int(1) }],
  ["Trilu", [floats(3, 4)], { upper: int(0) }],
  ["CumSum", [floats(3, 4), longs([], [1])]],
  ["NonZero", [bools([2, 3], [0, 1, 0, 1, 1, 0])]],
  ["OneHot", [list(0, 2, -1), longs([], [3]), tensorOf("float32", [2], [0, 1])]],
  ["EyeLike", [floats(3, 4)], { k: int(1) }],
  ["Range", [longs([], [1]), longs([], [10]), longs([], [3])]],
  ["ConstantOfShape", [list(2, 3)], { value: { kind: "tensor", value: tensorOf("float32", [1], [2.5]) } }],
  ["MatMul", [floats(2, 1, 3, 4), floats(3, 4, 2)]],
  [
    "Gemm",
    [floats(4, 3), floats(5, 4), floats(5)],
    { transA: int(1), transB: int(1), alpha: float(0.5), beta: float(2) },
  ],
  ["Softmax", [a], { axis: int(1) }],
  ...["L1", "L2", "Max", "Mean", "Min", "Prod", "Sum", "SumSquare"].map(
    (name): Case => [`Reduce${name}`, [a, list(0, -1)]],
  ),
  ["ReduceSum", [a], { keepdims: int(0) }],
  ["ReduceSum", [a], { noop_with_empty_axes: int(1) }],
];

function modelOf([op, inputs, attributes = {}, outputs = 1]: Case): Model {
  return modelFrom([1], (g, x) => {
    const names = inputs.map((tensor, i) => (tensor ? g.constant(tensor, `c${i}`) : ""));
    const made = g.addMany(op, names, outputs, attributes);
    // A graph must read its input, and the runtime wants nodes between constants and outputs.
    return [g.add("Neg", [x]), ...made.map((name) => g.add("Cast", [name], { to: int(11) }))];
  });
}

describe("folding of one operator on constants", () => {
  it.each(CASES.map((c, i) => [`${c[0]} (${i})`, c] as const))(
    "computes %s as the runtime does",
    async (_, c) => {
      const model = modelOf(c);
      const folded = foldConstants(model);
      expect(folded.graph.nodes.map((node) => node.op)).toEqual(["Neg"]);
      const feeds = feedsFor(model, 1);
      expect(difference(await runModel(model, feeds), await runModel(folded, feeds))).toBeLessThan(1e-6);
    },
  );

  it.each<[string, Case]>([
    ["random numbers", ["RandomNormal", [], { shape: ints([2]) }]],
    ["an operator it does not know", ["Det", [floats(2, 2)]]],
    ["integers divided by zero", ["Div", [list(1), list(0)]]],
    ["an index that is out of range", ["Gather", [a, list(9)]]],
  ])("leaves %s to the runtime", (_, c) => {
    const ops = foldConstants(modelOf(c)).graph.nodes.map((node) => node.op);
    expect(ops).toContain(c[0]);
  });
});
