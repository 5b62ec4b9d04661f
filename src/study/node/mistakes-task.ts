/** @file The end of a worker's task: what the model takes for another class, explained by both classes. */
import { mistakeChunks, mistakenImages } from "../run/mistakes.js";
import { readPredictions } from "../run/results.js";
import { chunkUnits } from "../run/units.js";
import { unitHash } from "../store/node/store.js";
import { compute, intactReader, isComplete, type TaskRun } from "./task.js";

/** Whether all is there now that is computed of the model's mistakes, or nothing more can be done about it. */
export async function runMistakes(run: TaskRun): Promise<boolean> {
  const { task, context, claims } = run;
  const mistaken = task.pair.planned.chunks.flatMap((images) => {
    const stored = intactReader(run, images)(chunkUnits(context, images).predictions);
    return stored === undefined ? [] : mistakenImages(context, images, readPredictions(stored));
  });
  for (const chunk of mistakeChunks(context, mistaken)) {
    const read = intactReader(run, chunk.images);
    if (isComplete(chunk.units, read)) continue;
    const name = unitHash(chunk.units.predictions).slice(0, 32);
    if (!(await claims.take(name))) return false;
    try {
      await compute(run, chunk, read, { scored: () => undefined, maps: () => undefined });
    } finally {
      claims.release(name);
    }
  }
  return true;
}
