/**
 * @file Computes what is missing of one chunk: the same images through one model, unit after unit. What a unit puts into
 * batches is that unit alone, whatever else is missing, so that a result's bits do not tell how it came about.
 */
import { blurOnce } from "../../api/plan-scores.js";
import { attempt, type ChunkWork, type Subject } from "./chunk-work.js";
import { allEndpoints } from "./endpoints.js";
import { explainedClasses } from "./explained.js";
import { allMaps } from "./maps.js";
import { predictionsOf } from "./predictions.js";
import { writeScores } from "./results.js";
import { scoresOf } from "./scores.js";

/** Throws what `write` throws; what cannot be computed is reported, and the rest is done. */
export async function computeChunk(work: ChunkWork): Promise<void> {
  const { units, read, report } = work;
  const images = await attempt(work, null, () => readImages(work));
  if (images === undefined) return;
  const predictions = await predictionsOf(work, images);
  if (predictions === undefined) return;
  const classes = explainedClasses(work.choice, predictions, work.images, work.context.classOf);
  const subjects = work.images.flatMap((planned, index): readonly Subject[] => {
    const [image, logits, explained] = [images[index], predictions.logits[index], classes[index]];
    if (image === undefined || "failed" in image || !logits || !explained) return [];
    return [{ index, planned, image, logits, explained, blurred: blurOnce(image.tensor) }];
  });
  // Endpoints keep ONNX Runtime busy while the graphs that make maps are built.
  const [maps, endpoints] = await together(allMaps(work, subjects), allEndpoints(work, subjects));
  for (const unit of units.scores) {
    if (read(unit.key) !== undefined) continue;
    const methodMaps = unit.source.kind === "control" ? [] : maps.get(unit.source.method.id);
    const known = endpoints.get(unit.metric.id);
    if (methodMaps === undefined || known === undefined) continue;
    const scores = await attempt(work, unit.source.id, () =>
      scoresOf(work, unit, subjects, known, methodMaps),
    );
    if (scores === undefined) continue;
    await work.write(unit.key, writeScores(scores));
    report.scored(unit.key, scores.filter((scored) => scored !== null).length);
  }
}

/** Both results; where one fails, what is under way ends first. */
async function together<A, B>(a: Promise<A>, b: Promise<B>): Promise<readonly [A, B]> {
  await Promise.allSettled([a, b]);
  return [await a, await b];
}

async function readImages({ images, readImage, signal }: ChunkWork) {
  const read = await Promise.all(images.map(readImage));
  signal?.throwIfAborted();
  return read;
}
