/**
 * @file A batch is computed a few images at a time. Peak memory follows the run and not the batch, larger matrix products
 * are no faster on a CPU, and gradients are sums, so that the step is the same.
 */
import type { TrainingBatch } from "./types.js";

/** Images a run at most. */
const MOST = 8;

/** Images a run, for batches of that many: as few runs as there must be, of equal length. */
export const runLength = (batch: number): number => Math.ceil(batch / Math.ceil(batch / MOST));

/**
 * The same for images of another size than the one that `run` images of `own` are for, so that a run has about as many
 * pixels.
 */
export function scaledRun(
  batch: number,
  run: number,
  own: readonly number[],
  image: readonly number[],
): number {
  const area = (size: readonly number[]): number => size.reduce((product, side) => product * side, 1);
  const most = Math.max(1, Math.floor((run * area(own)) / area(image)));
  return Math.ceil(batch / Math.ceil(batch / most));
}

export interface Run extends TrainingBatch {
  /** Images of the batch, its own padding included. */
  readonly given: number;
}

/** The batch's images, `run` at a time; what the last run has too few is filled with images of zeros, which weigh nothing. */
export function inRuns(batch: TrainingBatch, run: number): readonly Run[] {
  const images = batch.sampleWeights.length;
  if (images === run) return [{ ...batch, given: images }];
  return Array.from({ length: Math.ceil(images / run) }, (_, i) => {
    const from = i * run;
    const part = (all: Float32Array): Float32Array => {
      const each = all.length / images;
      const own = all.subarray(from * each, Math.min(images, from + run) * each);
      if (own.length === run * each) return own;
      const filled = new Float32Array(run * each);
      filled.set(own);
      return filled;
    };
    const { pixels, targets, sampleWeights, teacherLogits, indices, size } = batch;
    return {
      pixels: part(pixels),
      targets: part(targets),
      sampleWeights: part(sampleWeights),
      ...(teacherLogits && { teacherLogits: part(teacherLogits) }),
      indices: indices.slice(from, from + run),
      size: Math.max(0, Math.min(run, size - from)),
      given: Math.min(run, images - from),
    };
  });
}
