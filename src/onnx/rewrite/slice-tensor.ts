/** @file A part of a constant. Where the part is consecutive in memory it is a view, and nothing is copied. */
import { elementSize } from "../data-type.js";
import type { Tensor } from "../graph.js";
import { elementCount } from "../tensor.js";
import type { Box } from "./box.js";

/** The part of a tensor in a box; undefined for tensors whose elements have no fixed size. */
export function sliceTensor(tensor: Tensor, box: Box): Tensor | undefined {
  const size = elementSize(tensor.dtype);
  if (size === 0) return undefined;
  const dims = tensor.dims.map((extent, axis) => (box[axis] ? box[axis][1] - box[axis][0] : extent));
  // Everything behind the last narrowed axis is consecutive: it is moved in one piece.
  const last = box.findLastIndex((range) => range !== null);
  if (last < 0) return tensor;
  const inner = elementCount(tensor.dims.slice(last + 1)) * size;
  const run = (dims[last] ?? 1) * inner;
  const starts = box.slice(0, last + 1).reduce<number[]>(
    (offsets, range, axis) => {
      const stride = elementCount(tensor.dims.slice(axis + 1)) * size;
      const first = range?.[0] ?? 0;
      const count = axis === last ? 1 : (dims[axis] ?? 1);
      return offsets.flatMap((offset) =>
        Array.from({ length: count }, (_, i) => offset + (first + i) * stride),
      );
    },
    [0],
  );
  const [only = 0] = starts;
  if (starts.length === 1)
    return { dtype: tensor.dtype, dims, bytes: tensor.bytes.subarray(only, only + run) };
  const bytes = new Uint8Array(starts.length * run);
  for (const [i, start] of starts.entries()) bytes.set(tensor.bytes.subarray(start, start + run), i * run);
  return { dtype: tensor.dtype, dims, bytes };
}
