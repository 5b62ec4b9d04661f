/** @file What the model under training says of a part of the data set. */

import type { TrainingItem } from "../../data/batches.js";
import type { Outcomes } from "../../metrics/scores.js";
import type { TrainingBatch } from "../../types.js";

/** An image of a part, with what its scores need. */
export interface EvaluatedItem extends TrainingItem {
  readonly name: string;
  /** Images of one group are not independent. */
  readonly group?: string;
}

export interface Evaluated {
  readonly outcomes: Outcomes;
  /** The images that could be read, in the order of the outcomes. */
  readonly items: readonly EvaluatedItem[];
}

export interface EvaluationRun {
  readonly items: readonly EvaluatedItem[];
  readonly batches: () => AsyncIterable<TrainingBatch>;
  readonly classes: number;
  /** Logits [count, classes] of the first `count` images of a batch. */
  readonly predict: (pixels: Float32Array, count: number) => Promise<Float32Array>;
  readonly onProgress?: (images: number) => void;
}

/** @throws what the batches throw: the signal's reason when it is aborted */
export async function evaluatePart({
  items,
  batches,
  classes,
  predict,
  onProgress,
}: EvaluationRun): Promise<Evaluated> {
  const logits = new Float32Array(items.length * classes);
  const read: EvaluatedItem[] = [];
  for await (const { pixels, indices, size } of batches()) {
    if (size === 0) continue;
    const batch = await predict(pixels, size);
    logits.set(batch.subarray(0, size * classes), read.length * classes);
    for (const index of indices) {
      const item = items[index];
      if (item !== undefined) read.push(item);
    }
    onProgress?.(read.length);
  }
  return {
    items: read,
    outcomes: {
      truth: read.map(({ label }) => label),
      logits: logits.subarray(0, read.length * classes),
      groups: read.map(({ group, name }) => (group === undefined ? `item ${name}` : `group ${group}`)),
    },
  };
}
