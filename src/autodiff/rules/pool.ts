/** @file Gradients of pooling: a mean is given back as a convolution with equal weights, a maximum to its place. */
import { int, intAttribute, ints, intsAttribute, string } from "../../onnx/attributes.js";
import { elementCount, float32Tensor } from "../../onnx/tensor.js";
import type { Forward } from "../forward.js";
import type { Contribution, Rule, RuleContext, RuleTable } from "../rule.js";
import { input, inputShape, output, shapeOf, staticDim, unsupported } from "../rule.js";
import { outputPadding, type Windows, windowsOf } from "../windows.js";

/** How many elements of one axis each window counts: those inside, or also the padding (but not beyond it). */
function countsAlong(w: Windows, axis: number, withPadding: boolean, givenAfter: number): readonly number[] {
  const [kernel = 1, stride = 1, dilation = 1] = [w.kernel[axis], w.strides[axis], w.dilations[axis]];
  const [large = 1, small = 1, before = 0] = [w.large[axis], w.small[axis], w.before[axis]];
  const [low, high] = withPadding ? [-before, large + givenAfter] : [0, large];
  return Array.from({ length: small }, (_, i) => {
    const places = Array.from({ length: kernel }, (__, k) => i * stride - before + k * dilation);
    return places.filter((place) => place >= low && place < high).length;
  });
}

/** 1/count for each window, as a constant that broadcasts over batch and channels. */
function weights(context: RuleContext, w: Windows): string {
  const withPadding = intAttribute(context.node, "count_include_pad", 0) !== 0;
  const givenAfter = intsAttribute(context.node, "pads")?.slice(w.kernel.length) ?? w.after;
  const counts = w.kernel.map((_, axis) =>
    countsAlong(w, axis, withPadding, givenAfter[axis] ?? w.after[axis] ?? 0),
  );
  const products = counts.reduce<readonly number[]>(
    (all, list) => all.flatMap((a) => list.map((b) => a * b)),
    [1],
  );
  const tensor = float32Tensor(
    [1, 1, ...w.small],
    products.map((count) => 1 / count),
  );
  const constant = context.emit.constant(tensor);
  const dtype = context.emit.dtype(context.dy);
  return dtype === "float32" ? constant : context.emit.cast(constant, dtype);
}

const averagePool: Rule = (context) => [
  () => {
    const { emit, node, dy } = context;
    const w = windowsOf(context, intsAttribute(node, "kernel_shape") ?? []);
    const channels = staticDim(context, inputShape(context, 0), 1);
    const dims = [channels, 1, ...w.kernel];
    const ones = emit.constant(float32Tensor(dims, new Float32Array(elementCount(dims)).fill(1)));
    return emit.op("ConvTranspose", [emit.mul(dy, weights(context, w)), ones], {
      strides: ints(w.strides),
      dilations: ints(w.dilations),
      group: int(channels),
      pads: ints([...w.before, ...w.after]),
      output_padding: ints(outputPadding(w)),
    });
  },
];

const globalAveragePool: Rule = (context) => [
  (): Contribution => {
    const shape = inputShape(context, 0);
    const count = shape.slice(2).reduce<number>((n, _, i) => n * staticDim(context, shape, i + 2), 1);
    return { kind: "spread", value: context.emit.scale(context.dy, 1 / count) };
  },
];

const globalMaxPool: Rule = (context) => [
  () => {
    const { emit, dy } = context;
    const x = input(context, 0);
    const axes = inputShape(context, 0)
      .slice(2)
      .map((_, i) => i + 2);
    const taken = emit.indicator(emit.op("Equal", [x, output(context)]), x);
    return emit.mul(taken, emit.div(dy, emit.reduceSum(taken, axes, true)));
  },
];

/** Has the operator say where each maximum was: positions in the flattened input. */
export const maxPoolForward: Forward = (node, emit) => {
  const [y = "", given] = node.outputs;
  const indices = given || emit.fresh("indices");
  return {
    saved: { indices },
    result: { op: node.op, inputs: node.inputs, attributes: node.attributes, outputs: [y, indices] },
  };
};

const maxPool: Rule = (context) => [
  () => {
    const { emit, node, dy, saved } = context;
    if (intAttribute(node, "storage_order", 0) !== 0) unsupported(context, "storage_order is not 0");
    const flat = (value: string) => emit.op("Reshape", [value, emit.ints([-1])]);
    const x = input(context, 0);
    const places = flat(saved.indices ?? "");
    const attributes = { axis: int(0), reduction: string("add") };
    const sums = emit.op("ScatterElements", [emit.zerosLike(flat(x)), places, flat(dy)], attributes);
    return emit.reshape(sums, shapeOf(context, x), x);
  },
];

export const poolRules: RuleTable = {
  AveragePool: averagePool,
  GlobalAveragePool: globalAveragePool,
  GlobalMaxPool: globalMaxPool,
  MaxPool: maxPool,
};
