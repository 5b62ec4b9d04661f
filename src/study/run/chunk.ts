/**
 * @file Computes what is missing of one chunk: the same images through one model, unit after unit. What a unit puts into
 * batches is that unit alone, whatever else is missing, so that a result's bits do not tell how it came about.
 */
import type { ModelImage } from "../../api/image.js";
import type { OpenedModel } from "../../api/opened.js";
import { blurOnce } from "../../api/plan-scores.js";
import type { TargetChoice } from "../../api/target.js";
import type { ScoredImage, ScoreItem } from "../../api/types.js";
import { imageMap } from "../../explain/map.js";
import type { Method, TokenMap } from "../../explain/method.js";
import { controlMap, invertedMap } from "../../metrics/controls.js";
import { VitreousError } from "../../onnx/errors.js";
import { mix } from "../../random.js";
import type { PlannedImage } from "../plan/plan.js";
import type { UnitResult } from "../store/unit.js";
import type { StudyFailure, UnitKey } from "../types.js";
import { type Explained, explainedClasses } from "./explained.js";
import {
  type ByImage,
  type Endpoints,
  type Predictions,
  readEndpoints,
  readMaps,
  readPredictions,
  type Scored,
  writeEndpoints,
  writeMaps,
  writePredictions,
  writeScores,
} from "./results.js";
import type { ChunkUnits, MapSource, ScoreUnit, UnitContext } from "./units.js";

export interface ChunkWork {
  readonly context: UnitContext;
  readonly images: readonly PlannedImage[];
  readonly units: ChunkUnits;
  readonly model: OpenedModel;
  readonly choice: TargetChoice;
  /** By id. */
  readonly methods: ReadonlyMap<string, Method>;
  /** The image as the model takes it, or why it cannot. Throws VitreousError where that may be otherwise another time. */
  readonly readImage: (image: PlannedImage) => Promise<ModelImage | { readonly failed: string }>;
  /** What is stored. */
  readonly read: (key: UnitKey) => UnitResult | undefined;
  readonly write: (key: UnitKey, result: UnitResult) => Promise<void>;
  /** One explanation at a time: the model keeps few graphs for them. */
  readonly explaining: <T>(work: () => Promise<T>) => Promise<T>;
  readonly report: ChunkReport;
  readonly signal?: AbortSignal | undefined;
}

export interface ChunkReport {
  /** A unit of scores is stored. */
  readonly scored: (key: UnitKey, cells: number) => void;
  readonly forwards: (count: number) => void;
  readonly failure: (failure: Pick<StudyFailure, "image" | "method" | "reason">) => void;
  readonly maps: (method: string, maps: ByImage<TokenMap>) => void;
}

interface Subject {
  readonly index: number;
  readonly planned: PlannedImage;
  readonly image: ModelImage;
  readonly logits: Float32Array;
  readonly explained: Explained;
  readonly blurred: () => Float32Array;
}

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
    const { scaling = "max" } =
      unit.source.kind === "control" ? {} : (work.methods.get(unit.source.method.id) ?? {});
    const mapOf = (subject: Subject) =>
      sizedMap(work, unit.source, subject, methodMaps[subject.index], scaling);
    const scores = await attempt(work, unit.source.id, () => scoresOf(work, unit, subjects, known, mapOf));
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

/** By method id; a method that failed is left out. */
async function allMaps(
  work: ChunkWork,
  subjects: readonly Subject[],
): Promise<ReadonlyMap<string, ByImage<TokenMap>>> {
  const maps = new Map<string, ByImage<TokenMap>>();
  for (const [id, key] of work.units.maps) {
    const stored = work.read(key);
    const found = stored ? readMaps(stored) : await mapsOf(work, id, key, subjects);
    if (found === undefined) continue;
    maps.set(id, found);
    work.report.maps(id, found);
  }
  return maps;
}

/** By metric id; what failed is left out. */
async function allEndpoints(
  work: ChunkWork,
  subjects: readonly Subject[],
): Promise<ReadonlyMap<string, ByImage<Endpoints>>> {
  const endpoints = new Map<string, ByImage<Endpoints>>();
  for (const id of work.units.endpoints.keys()) {
    const known = await endpointsOf(work, id, subjects);
    if (known !== undefined) endpoints.set(id, known);
  }
  return endpoints;
}

/** What `compute` gives, or undefined once its failure is reported. */
async function attempt<T>(
  { signal, report }: ChunkWork,
  method: string | null,
  compute: () => Promise<T>,
): Promise<T | undefined> {
  try {
    return await compute();
  } catch (error) {
    signal?.throwIfAborted();
    if (!(error instanceof VitreousError)) throw error;
    report.failure({ image: null, method, reason: error.message });
    return undefined;
  }
}

async function readImages({ images, readImage, signal }: ChunkWork) {
  const read = await Promise.all(images.map(readImage));
  signal?.throwIfAborted();
  return read;
}

async function predictionsOf(
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

async function mapsOf(
  work: ChunkWork,
  id: string,
  key: UnitKey,
  subjects: readonly Subject[],
): Promise<ByImage<TokenMap> | undefined> {
  const method = work.methods.get(id);
  if (method === undefined) throw new RangeError(`there is no method ${id}`);
  const maps = await attempt(work, id, () =>
    work.explaining(async () => {
      // The class is settled already: it stands as the image's label, and the graph is told to explain that one.
      const given = subjects.map(({ image, explained }) => ({ ...image, label: explained.index }));
      const [first] = subjects;
      const minus = first?.explained.minus;
      const target =
        first !== undefined && minus !== undefined ? { plus: first.explained.index, minus } : "true";
      const found: (TokenMap | null)[] = work.images.map(() => null);
      let done = 0;
      for await (const { maps } of work.model.explainAll(given, [method], { ...settings(work), target })) {
        const subject = subjects[done++];
        const [map] = maps;
        if (subject !== undefined && map !== undefined)
          found[subject.index] = { grid: map.grid, values: map.values };
      }
      return found;
    }),
  );
  if (maps !== undefined) await work.write(key, writeMaps(maps));
  return maps;
}

async function endpointsOf(
  work: ChunkWork,
  id: string,
  subjects: readonly Subject[],
): Promise<ByImage<Endpoints> | undefined> {
  const key = work.units.endpoints.get(id);
  const metric = work.context.metrics.get(id);
  if (key === undefined || metric === undefined) throw new RangeError(`there is no metric ${id}`);
  const stored = work.read(key);
  if (stored !== undefined) return readEndpoints(stored);
  const made = await attempt(work, null, async () => {
    const items = subjects.map(({ image, logits, blurred }) => ({ image, logits, blurred }));
    const found: (Endpoints | null)[] = work.images.map(() => null);
    let done = 0;
    for await (const { known } of work.model.endpointsAll(items, [metric], settings(work))) {
      const subject = subjects[done++];
      if (subject !== undefined) found[subject.index] = known;
    }
    return found;
  });
  if (made !== undefined) await work.write(key, writeEndpoints(made));
  return made;
}

/** What is scored, at image size. */
function sizedMap(
  { context }: ChunkWork,
  source: MapSource,
  { image, planned }: Subject,
  map: TokenMap | null | undefined,
  scaling: Method["scaling"],
): Float32Array {
  if (source.kind === "control") {
    // What is random about an image follows from its content, so it does not depend on which others are there.
    const own = mix(0, Number.parseInt(planned.sha256.slice(0, 8), 16));
    return controlMap(source.control, image.tensor, mix(own, context.declaration.seed));
  }
  if (!map) throw new RangeError("an image without a map");
  const sized = imageMap(map, scaling, [image.tensor.height, image.tensor.width]);
  return source.kind === "inverted" ? invertedMap(sized) : sized;
}

async function scoresOf(
  work: ChunkWork,
  { metric: { id }, source }: ScoreUnit,
  subjects: readonly Subject[],
  endpoints: ByImage<Endpoints>,
  mapOf: (subject: Subject) => Float32Array,
): Promise<ByImage<Scored>> {
  const metric = work.context.metrics.get(id);
  if (metric === undefined) throw new RangeError(`there is no metric ${id}`);
  const scores: (Scored | null)[] = work.images.map(() => null);
  const asked = new Map<ScoreItem, number>();
  const items = function* (): Generator<ScoreItem> {
    for (const subject of subjects) {
      const { image, logits, explained, blurred, index } = subject;
      const values = mapOf(subject);
      if (!values.every(Number.isFinite)) {
        scores[index] = without("the map has values that are not finite");
        continue;
      }
      const known = endpoints[index];
      const item = {
        image,
        maps: [{ method: source.id, values }],
        classes: [explained.index],
        logits,
        blurred,
        ...(known && { known }),
      };
      asked.set(item, index);
      yield item;
    }
  };
  for await (const { item, scores: found } of work.model.scoreAll(items(), [metric], settings(work))) {
    const index = asked.get(item);
    asked.delete(item);
    if (index !== undefined) scores[index] = scoredOf(found);
  }
  return scores;
}

function scoredOf([score]: ScoredImage["scores"]): Scored {
  if (score === undefined) throw new RangeError("a map was not scored");
  const { auc, curve, extra, notes } = score;
  if (!Number.isFinite(auc)) return without("the model's outputs are not finite");
  return { score: auc, reason: null, curve, extra, notes };
}

const without = (reason: string): Scored => ({ score: null, reason, curve: [], extra: {}, notes: [] });

/** Of one run: how many it takes at once, and what it counts. */
function settings({ context, signal, report }: ChunkWork) {
  let before = 0;
  return {
    batch: context.declaration.run.batch,
    ...(signal && { signal }),
    onProgress: (done: number) => {
      report.forwards(done - before);
      before = done;
    },
  };
}
