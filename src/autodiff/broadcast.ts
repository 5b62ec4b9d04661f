/**
 * @file The transpose of broadcasting: what was repeated along an axis receives the sum of the gradients along it.
 */
import type { Dim, Shape } from "../onnx/dim.js";
import { formatShape, isStaticShape, sameDim } from "../onnx/dim.js";
import type { Emitter } from "./emitter.js";
import type { RuleContext } from "./rule.js";
import { shapeOf, unsupported } from "./rule.js";

/** Whether an operand's axis was repeated: true, false, or undefined where the shapes do not tell. */
function repeated(from: Dim, to: Dim): boolean | undefined {
  if (sameDim(from, to)) return false;
  if (to === 1) return from === null ? undefined : true;
  // An extent other than 1 is never repeated, so the result has it, whatever was inferred.
  return to === null ? undefined : false;
}

/** Fewer rows are not worth a product. */
const MANY_ROWS = 64;

/** The sum of all rows, as a product with ones: for ONNX Runtime less work than a reduction of the leading axes. */
function sumRows(emit: Emitter, value: string, shape: readonly number[]): string {
  const width = shape.at(-1) ?? 1;
  const rows = shape.slice(0, -1).reduce((product, extent) => product * extent, 1);
  const leading = shape.slice(0, -1).map((_, axis) => axis);
  const dtype = emit.dtype(value);
  if (rows < MANY_ROWS || (dtype !== "float32" && dtype !== "float64")) {
    return emit.reduceSum(value, leading, false);
  }
  const sum = emit.matmul(emit.ones(rows, dtype), emit.op("Reshape", [value, emit.ints([rows, width])]));
  return emit.op("Reshape", [sum, emit.ints([width])]);
}

/** Sums a gradient of shape `from` over the axes along which a value of shape `to` was broadcast to it. */
export function sumTo(context: RuleContext, gradient: string, from: Shape, to: Shape): string {
  const extra = from.length - to.length;
  const leading = Array.from({ length: extra }, (_, axis) => axis);
  const kept = to.flatMap((extent, i) => {
    const sum = repeated(from[i + extra] ?? null, extent);
    if (sum === undefined) {
      const shapes = `${formatShape(to)} to ${formatShape(from)}`;
      return unsupported(context, `it is not known along which axes an operand is broadcast, ${shapes}`);
    }
    return sum ? [i + extra] : [];
  });
  const { emit } = context;
  if (kept.length === 0 && to.length === 1 && isStaticShape(from)) return sumRows(emit, gradient, from);
  if (kept.length === 0) return emit.reduceSum(gradient, leading, false);
  return emit.squeeze(emit.reduceSum(gradient, [...leading, ...kept], true), leading);
}

/** Sums a gradient that has the shape of the value `of` to the shape of the value `operand`. */
export function unbroadcast(context: RuleContext, gradient: string, of: string, operand: string): string {
  return sumTo(context, gradient, shapeOf(context, of), shapeOf(context, operand));
}
