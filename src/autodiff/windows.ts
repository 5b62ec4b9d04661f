/**
 * @file The geometry that convolutions and pools share: kernel, strides, dilations and the padding that auto_pad and
 * ceil_mode stand for.
 */
import { intAttribute, intsAttribute, stringAttribute } from "../onnx/attributes.js";
import { isStatic } from "../onnx/dim.js";
import type { RuleContext } from "./rule.js";
import { inputShape, output, shapeOf, staticDim } from "./rule.js";

export interface Windows {
  readonly kernel: readonly number[];
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  /** Padding before and after, for each spatial axis. */
  readonly before: readonly number[];
  readonly after: readonly number[];
  /** Spatial extents of the larger side (input of a convolution) and of the smaller. */
  readonly large: readonly number[];
  readonly small: readonly number[];
}

/** `kernel` where the node says nothing (a convolution's weight does). */
export function windowsOf(context: RuleContext, kernel: readonly number[]): Windows {
  const { node } = context;
  const spatial = (shape: ReturnType<typeof inputShape>) =>
    shape.slice(2).map((_, i) => staticDim(context, shape, i + 2));
  const large = spatial(inputShape(context, 0));
  const small = spatial(shapeOf(context, output(context)));
  const ones = kernel.map(() => 1);
  const strides = intsAttribute(node, "strides") ?? ones;
  const dilations = intsAttribute(node, "dilations") ?? ones;
  const pads = intsAttribute(node, "pads") ?? [...ones, ...ones].map(() => 0);
  const mode = stringAttribute(node, "auto_pad", "NOTSET");
  const rank = kernel.length;
  const needed = kernel.map((extent, i) => {
    const reach = ((small[i] ?? 1) - 1) * (strides[i] ?? 1) + (extent - 1) * (dilations[i] ?? 1) + 1;
    return Math.max(0, reach - (large[i] ?? 0));
  });
  if (mode === "SAME_UPPER" || mode === "SAME_LOWER") {
    const less = needed.map((amount) => Math.floor(amount / 2));
    const more = needed.map((amount, i) => amount - (less[i] ?? 0));
    const [before, after] = mode === "SAME_UPPER" ? [less, more] : [more, less];
    return { kernel, strides, dilations, before, after, large, small };
  }
  const given = mode === "VALID" ? pads.map(() => 0) : pads;
  const before = given.slice(0, rank);
  // ceil_mode reads past the given padding; what it reads there is padding too.
  const rounded = intAttribute(node, "ceil_mode", 0) !== 0;
  const after = given
    .slice(rank)
    .map((amount, i) => (rounded ? Math.max(amount, (needed[i] ?? 0) - (before[i] ?? 0)) : amount));
  return { kernel, strides, dilations, before, after, large, small };
}

/** What a transposed convolution must add at the end to reach the large side's extent again. */
export const outputPadding = (w: Windows): readonly number[] =>
  w.kernel.map((extent, i) => {
    const reach = ((w.small[i] ?? 1) - 1) * (w.strides[i] ?? 1) + (extent - 1) * (w.dilations[i] ?? 1) + 1;
    return (w.large[i] ?? 0) + (w.before[i] ?? 0) + (w.after[i] ?? 0) - reach;
  });

/** Extents from axis 2 on of a weight or value, all of which must be numbers. */
export function spatialExtents(context: RuleContext, index: number): readonly number[] {
  const shape = inputShape(context, index).slice(2);
  return shape.map((extent, i) => (isStatic(extent) ? extent : staticDim(context, shape, i)));
}
