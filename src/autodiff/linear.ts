/**
 * @file Multiplies lazy linear gradients out: however many layers read one value, one matrix product.
 */
import { sameDim } from "../onnx/dim.js";
import type { Emitter } from "./emitter.js";
import type { Linear } from "./rule.js";

/** Whether the pieces' values differ in nothing but the last extent, so that they can be laid side by side. */
function joinable(emit: Emitter, pieces: readonly Linear[]): boolean {
  const [first, ...rest] = pieces.map((piece) => emit.shape(piece.value));
  return rest.every(
    (shape) =>
      first !== undefined &&
      shape?.length === first.length &&
      shape.slice(0, -1).every((extent, i) => sameDim(extent, first[i])),
  );
}

/** Σ valueᵢ·fold(weightᵢ). `fold` acts on the columns of a weight [features of value, features of the result]. */
export function multiplyOut(
  emit: Emitter,
  pieces: readonly Linear[],
  fold: (weight: string) => string = (weight) => weight,
): string {
  const [first, ...rest] = pieces;
  if (first === undefined) throw new RangeError("no pieces to multiply out");
  if (rest.length === 0) return emit.matmul(first.value, fold(first.weight));
  if (!joinable(emit, pieces)) {
    return pieces.map((piece) => emit.matmul(piece.value, fold(piece.weight))).reduce(emit.add);
  }
  const values = emit.concat(
    pieces.map((piece) => piece.value),
    -1,
  );
  return emit.matmul(
    values,
    fold(
      emit.concat(
        pieces.map((piece) => piece.weight),
        0,
      ),
    ),
  );
}
