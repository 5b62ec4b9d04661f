/** @file Arrays on their way to the worker and back. */
import { VitreousError } from "../onnx/errors.js";
import { elementCount } from "../onnx/tensor.js";
import type { Fed } from "./worker/protocol.js";

/** What can be given away of these. */
export const buffersOf = (arrays: readonly Float32Array[]): ArrayBuffer[] =>
  arrays.flatMap(({ buffer }) => (buffer instanceof ArrayBuffer ? [buffer] : []));

/** A copy, to be given away. */
export function copyOf(name: string, dims: readonly number[], data: Float32Array): Fed {
  const size = elementCount(dims);
  if (data.length !== size)
    throw new VitreousError(
      `The batch's ${name} are ${data.length} numbers, not the ${size} of [${dims.join(", ")}].`,
    );
  return { name, dims, data: data.slice() };
}

/** All of them, one after the other. */
export function joined(parts: readonly Float32Array[]): Float32Array {
  const [first] = parts;
  if (first !== undefined && parts.length === 1) return first;
  const all = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
