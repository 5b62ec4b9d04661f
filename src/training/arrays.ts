/** @file Arrays on their way to the worker and back. */
import { VitreousError } from "../onnx/errors.js";
import { elementCount } from "../onnx/tensor.js";
import type { StepGraph, TrainingBatch } from "./types.js";
import type { Fed, NamedArrays } from "./worker/protocol.js";

/** What can be given away of these. */
export const buffersOf = (arrays: readonly Fed["data"][]): ArrayBuffer[] =>
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

/** Sums by name; the first of a name is kept, not copied. */
export function addTo(sums: Map<string, Float32Array>, arrays: NamedArrays): void {
  for (const [name, array] of arrays) {
    const sum = sums.get(name);
    if (sum === undefined) sums.set(name, array);
    else for (let i = 0; i < sum.length; i++) sum[i] = (sum[i] ?? 0) + (array[i] ?? 0);
  }
}

/**
 * Copies of what a batch gives the step graph, the sample weights excepted.
 *
 * @param drawn the masks of drop path
 * @throws VitreousError for arrays of another size, and for teacher's logits that are missing
 */
export function batchFeeds(
  { model, inputs: { pixels, targets, teacherLogits, masks } }: StepGraph,
  batch: TrainingBatch,
  drawn: Float32Array,
): Fed[] {
  const shapes = new Map(model.graph.inputs.map(({ name, shape }) => [name, (shape ?? []).map(Number)]));
  const fed = (name: string, data: Float32Array): Fed => copyOf(name, shapes.get(name) ?? [], data);
  const feeds = [fed(pixels, batch.pixels), fed(targets, batch.targets)];
  if (teacherLogits !== undefined) {
    if (batch.teacherLogits === undefined)
      throw new VitreousError("The batch has no teacher's logits, which distillation needs.");
    feeds.push(fed(teacherLogits, batch.teacherLogits));
  }
  return masks === undefined ? feeds : [...feeds, fed(masks, drawn)];
}
