/**
 * @file Gradients of convolutions by their input (the image, or what a convolutional stem makes of it): each is the
 * other, transposed. By their weights they are not asked for.
 */
import { int, intAttribute, ints, intsAttribute, stringAttribute } from "../../onnx/attributes.js";
import type { Attributes } from "../../onnx/builder.js";
import { sumTo } from "../broadcast.js";
import type { Contribution, Rule, RuleContext, RuleTable } from "../rule.js";
import { input, inputShape, output, shapeOf, unsupported } from "../rule.js";
import { outputPadding, spatialExtents, windowsOf } from "../windows.js";

/** A bias for each channel was repeated over batch and space. */
function bias(context: RuleContext): string {
  const from = shapeOf(context, output(context));
  const to = from.map((extent, axis) => (axis === 1 ? extent : 1));
  const { emit } = context;
  return emit.op("Reshape", [sumTo(context, context.dy, from, to), emit.ints([-1])]);
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
  undefined,
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
