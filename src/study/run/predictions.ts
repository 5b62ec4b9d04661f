/** @file A chunk's predictions: read where they are stored, made and stored where not. */
import type { ModelImage } from "../../api/image.js";
import { attempt, type ChunkWork, settings } from "./chunk-work.js";
import { type Predictions, readPredictions, writePredictions } from "./results.js";

/** undefined where they failed, which is reported. */
export async function predictionsOf(
  work: ChunkWork,
  images: readonly (ModelImage | { readonly failed: string })[],
): Promise<Predictions | undefined> {
  const { units, model, read, write } = work;
  const stored = read(units.predictions);
  if (stored !== undefined) return readPredictions(stored);
  const made = await attempt(work, null, async () => {
    const usable = images.flatMap((image) => ("failed" in image ? [] : [image]));
    const rows = new Map<ModelImage, Float32Array>();
    for await (const { image, logits } of model.predictAll(usable, settings(work))) rows.set(image, logits);
    return {
      logits: images.map((image) => ("failed" in image ? null : (rows.get(image) ?? null))),
      failed: Object.fromEntries(
        images.flatMap((image, i) => ("failed" in image ? [[i, image.failed]] : [])),
      ),
    };
  });
  if (made !== undefined) await write(units.predictions, writePredictions(made));
  return made;
}
