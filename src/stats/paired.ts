/** @file The differences of values measured twice on the same images: what paired comparisons see of them. */
import { VitreousError } from "../onnx/errors.js";
import { requireFinite } from "./outcome.js";

/**
 * xᵢ − yᵢ. Differences count as tied or zero where their double-precision values are equal, as in SciPy; round values
 * of limited precision before.
 */
export function pairedDifferences(x: readonly number[], y: readonly number[]): Float64Array {
  if (x.length !== y.length) {
    throw new VitreousError(
      `a paired comparison needs the same images on both sides, and got ${x.length} and ${y.length} values`,
    );
  }
  requireFinite(x, "paired comparison, first side");
  requireFinite(y, "paired comparison, second side");
  return Float64Array.from(x, (value, i) => value - (y[i] ?? 0));
}
