/**
 * @file Gradients of convolutions. By their input (the image, or what a convolutional stem makes of it) each is the
 * other, transposed. By the weight of a patch embedding it is one matrix product, else a convolution once more.
 */
import { int, intAttribute, ints, intsAttribute, stringAttribute } from "../../onnx/attributes.js";
import type { Attributes } from "../../onnx/builder.js";
import { sumTo } from "../broadcast.js";
import type { Contribution, Rule, RuleContext, RuleTable } from "../rule.js";
import { input, inputShape, output, shapeOf, staticDim, unsupported } from "../rule.js";
import { outputPadding, spatialExtents, type Windows, windowsOf } from "../windows.js";

/** A bias for each channel was repeated over batch and space. */
function bias(context: RuleContext): string {
  const from = shapeOf(context, output(context));
  const to = from.map((extent, axis) => (axis === 1 ? extent : 1));
  const { emit } = context;
  return emit.op("Reshape", [sumTo(context, context.dy, from, to), emit.ints([-1])]);
}

/** Whether windows lie side by side, each element of the input in one of them or in none. */
const isTiling = ({ kernel, strides, dilations, before }: Windows): boolean =>
  before.every((amount) => amount === 0) && kernel.every((k, i) => strides[i] === k && dilations[i] === 1);

/** dyᵀ·patches, with the elements of each patch in a row: [out, patches of all images]·[…, channels·kernel]. */
function byPatches(context: RuleContext, { kernel, large, small, after }: Windows): string {
  const { emit, dy } = context;
  const channels = staticDim(context, inputShape(context, 0), 1);
  const out = staticDim(context, inputShape(context, 1), 0);
  const rank = kernel.length;
  // What lies beyond the last window is cut off; padding there is added.
  const beyond = kernel.map((k, i) => k * (small[i] ?? 0) - (large[i] ?? 0));
  if (beyond.some((amount, i) => amount > (after[i] ?? 0)))
    unsupported(context, "its padding is not understood");
  const x = emit.padAll(input(context, 0), [...Array.from({ length: rank + 4 }, () => 0), ...beyond]);
  const cut = small.flatMap((count, i) => [count, kernel[i] ?? 1]);
  const apart = emit.op("Reshape", [x, emit.ints([-1, channels, ...cut])]);
  const counts = kernel.map((_, i) => 2 + 2 * i);
  const within = kernel.map((_, i) => 3 + 2 * i);
  const size = kernel.reduce((product, k) => product * k, channels);
  const rows = (value: string, width: number) => emit.op("Reshape", [value, emit.ints([-1, width])]);
  const patches = rows(emit.transpose(apart, [0, ...counts, 1, ...within]), size);
  const length = small.reduce((product, count) => product * count, 1);
  const flat = emit.op("Reshape", [dy, emit.ints([-1, out, length])]);
  const gradient = emit.matmul(emit.swap(rows(emit.transpose(flat, [0, 2, 1]), out), 2), patches);
  return emit.op("Reshape", [gradient, emit.ints([out, channels, ...kernel])]);
}

/** The input convolved by dy, with images and channels exchanged: strides and dilations change places. */
function byWindows(context: RuleContext, windows: Windows): string {
  const { emit, node, dy } = context;
  if (intAttribute(node, "group", 1) !== 1) unsupported(context, "its weight has groups");
  const { kernel, strides, dilations, before, after } = windows;
  const exchange = [1, 0, ...kernel.map((_, i) => i + 2)];
  const full = emit.op("Conv", [emit.transpose(input(context, 0), exchange), emit.transpose(dy, exchange)], {
    strides: ints(dilations),
    dilations: ints(strides),
    pads: ints([...before, ...after]),
  });
  // Rows that no window reached make it larger than the kernel.
  return emit.transpose(
    kernel.reduce((value, extent, i) => emit.slice(value, i + 2, 0, extent), full),
    exchange,
  );
}

/** Strides can leave the last rows of the input unread: `output_padding` makes up for them. */
const conv: Rule = (context) => [
  (): Contribution => {
    const { emit, node, dy } = context;
    const windows = windowsOf(context, spatialExtents(context, 1));
    const attributes: Attributes = {
      strides: ints(windows.strides),
      dilations: ints(windows.dilations),
      group: int(intAttribute(node, "group", 1)),
      pads: ints([...windows.before, ...windows.after]),
      output_padding: ints(outputPadding(windows)),
    };
    return emit.op("ConvTranspose", [dy, input(context, 1)], attributes);
  },
  (): Contribution => {
    const windows = windowsOf(context, spatialExtents(context, 1));
    const tiling = isTiling(windows) && intAttribute(context.node, "group", 1) === 1;
    return tiling ? byPatches(context, windows) : byWindows(context, windows);
  },
  () => bias(context),
];

const convTranspose: Rule = (context) => [
  () => {
    const { emit, node, dy } = context;
    if (stringAttribute(node, "auto_pad", "NOTSET") !== "NOTSET" || intsAttribute(node, "output_shape")) {
      return unsupported(context, "its padding is automatic");
    }
    const ones = inputShape(context, 1)
      .slice(2)
      .map(() => 1);
    const strides = intsAttribute(node, "strides") ?? ones;
    const pads = intsAttribute(node, "pads") ?? [...ones, ...ones].map(() => 0);
    const extra = intsAttribute(node, "output_padding") ?? ones.map(() => 0);
    const rank = ones.length;
    // What was added at the end lies behind the padding that was cut there.
    const after = pads.slice(rank).map((amount, i) => amount - (extra[i] ?? 0));
    const crop = after.map((amount) => Math.min(0, amount));
    const cropped = emit.padAll(dy, [...Array.from({ length: rank + 4 }, () => 0), ...crop]);
    return emit.op("Conv", [cropped, input(context, 1)], {
      strides: ints(strides),
      dilations: ints(intsAttribute(node, "dilations") ?? ones),
      group: int(intAttribute(node, "group", 1)),
      pads: ints([...pads.slice(0, rank), ...after.map((amount) => Math.max(0, amount))]),
    });
  },
  undefined,
  () => bias(context),
];

export const convRules: RuleTable = { Conv: conv, ConvTranspose: convTranspose };
