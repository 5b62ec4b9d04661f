/**
 * @file Reads what a study has computed, in the order of its declaration, for the tables and the report. A unit is read
 * when its rows are asked for, and forgotten: what is kept are names and predictions.
 */
import { argmax, softmax } from "../../api/prediction.js";
import { parseTarget } from "../../api/target.js";
import { imageMap } from "../../explain/map.js";
import { methodFromSpec } from "../../explain/registry.js";
import { VitreousError } from "../../onnx/errors.js";
import { chunksOf, type PlannedImage } from "../plan/plan.js";
import { type Explained, explainedClasses, trueClass } from "../run/explained.js";
import { isDeclared, MISTAKEN_CLASSES, mistakeChunks, mistakenImages } from "../run/mistakes.js";
import { type ByImage, readMaps, readPredictions, readScores } from "../run/results.js";
import type {
  CheckpointFacts,
  StoredDataset,
  StoredStudy,
  StudyMap,
  StudyMistake,
  StudyPrediction,
} from "../run/types.js";
import { chunkUnits, mapSources, type UnitContext } from "../run/units.js";
import { openStore, type Store, unitHash } from "../store/node/store.js";
import type { UnitResult } from "../store/unit.js";
import type { ScoreRow, UnitKey } from "../types.js";
import { unitContext } from "./checkpoint.js";
import { cellsFolder, readIndex, type StudyIndex } from "./index-file.js";
import { storedUnit } from "./stored-unit.js";

/**
 * @param folder the study's, as was given to runStudy as `out`
 * @throws VitreousError where there is no study, or what it keeps is damaged
 */
export function readStudy(folder: string): StoredStudy {
  const index = readIndex(folder);
  const store = openStore(cellsFolder(folder));
  const { declaration, datasets, checkpoints, failures, complete } = index;
  const pairs = checkpoints.flatMap((facts) => pairOf(index, facts, store) ?? []);
  return {
    declaration,
    datasets,
    checkpoints,
    failures,
    complete,
    rows: function* () {
      for (const pair of pairs) yield* rowsOf(pair, store);
    },
    predictions: function* () {
      for (const pair of pairs) for (const { prediction } of subjectsOf(pair, store)) yield prediction;
    },
    maps: (dataset, image) =>
      pairs.filter(({ facts }) => facts.dataset === dataset).flatMap((pair) => mapsOf(pair, store, image)),
    mistakes: (dataset, image) =>
      pairs
        .filter(({ facts }) => facts.dataset === dataset)
        .flatMap((pair) => mistakesOf(pair, store, image)),
  };
}

interface StoredPair {
  readonly context: UnitContext;
  readonly facts: CheckpointFacts;
  readonly chunks: readonly (readonly PlannedImage[])[];
  /** What the model takes for another class, in order; read when it is asked for first. */
  readonly mistaken: () => readonly PlannedImage[];
}

/** Some images of a pair. */
type Part = Omit<StoredPair, "mistaken">;

function pairOf(
  { declaration, datasets, engine }: StudyIndex,
  facts: CheckpointFacts,
  store: Store,
): StoredPair | undefined {
  const dataset = datasets.find((d: StoredDataset) => d.dataset.id === facts.dataset);
  if (dataset === undefined) return undefined;
  const part = {
    facts,
    context: unitContext(declaration, engine, facts, dataset.classes),
    chunks: chunksOf(dataset.images, declaration.run.unit),
  };
  let mistaken: readonly PlannedImage[] | undefined;
  return {
    ...part,
    mistaken: () => {
      mistaken ??= mistakenOf(part, store);
      return mistaken;
    },
  };
}

/** @throws VitreousError when it is damaged */
function read(store: Store, key: UnitKey): UnitResult | undefined {
  const found = storedUnit(store, key);
  if (found === "damaged")
    throw new VitreousError(
      `${store.folder}: the stored ${key.kind} ${unitHash(key).slice(0, 12)} are damaged, or of another version of vitreous: run the study again with its file, which computes them anew`,
    );
  return found === "absent" ? undefined : found;
}

/** What is known of an image before any map is. */
interface Subject {
  readonly image: PlannedImage;
  readonly prediction: StudyPrediction;
  readonly explained: Explained | null;
}

/** Images with predictions, in order; those of a chunk that is not computed, and those that failed, are passed over. */
function* subjectsOf({ context, facts, chunks }: Part, store: Store): Generator<Subject> {
  for (const images of chunks) {
    const stored = read(store, chunkUnits(context, images).predictions);
    if (stored === undefined) continue;
    const predictions = readPredictions(stored);
    const classes = explained(context, predictions, images);
    for (const [i, image] of images.entries()) {
      const logits = predictions.logits[i];
      if (!logits) continue;
      yield { image, explained: classes[i] ?? null, prediction: predictionOf(context, facts, image, logits) };
    }
  }
}

function explained(
  { declaration, facts, classOf }: UnitContext,
  predictions: ReturnType<typeof readPredictions>,
  images: readonly PlannedImage[],
): ByImage<Explained> {
  return explainedClasses(parseTarget(declaration.class, facts.labels), predictions, images, classOf);
}

function predictionOf(
  { classOf }: UnitContext,
  { dataset, model, labels }: CheckpointFacts,
  image: PlannedImage,
  logits: Float32Array,
): StudyPrediction {
  const probabilities = softmax(logits);
  const predicted = argmax(logits);
  const truth = trueClass(image, classOf);
  return {
    dataset,
    model,
    image: image.name,
    label: truth === undefined ? image.label : (labels[truth] ?? image.label),
    probabilities,
    predicted: labels[predicted] ?? String(predicted),
    correct: truth === undefined ? null : truth === predicted,
  };
}

function* rowsOf(pair: StoredPair, store: Store): Generator<ScoreRow> {
  const { context, facts, chunks } = pair;
  const { metrics } = context.declaration;
  const subjects = new Map<
    string,
    Omit<ScoreRow, "method" | "control" | "metric" | "score" | "reason" | "curve" | "cell">
  >();
  for (const { image, prediction, explained } of subjectsOf(pair, store)) {
    if (explained === null) continue;
    const { dataset, model, label, predicted, correct, probabilities } = prediction;
    const { name, sha256, group } = image;
    subjects.set(name, {
      dataset,
      model,
      image: name,
      imageSha256: sha256,
      group,
      label,
      predicted,
      correct,
      class: classText(explained, facts.labels),
      probability: probabilities[explained.index] ?? Number.NaN,
    });
  }
  // Units of a chunk come source by source, metric by metric.
  const keys = chunks.map((images) => chunkUnits(context, images).scores.map(({ key }) => key));
  for (const [s, source] of mapSources(context).entries()) {
    for (const [m, metric] of metrics.entries()) {
      for (const [c, images] of chunks.entries()) {
        const key = keys[c]?.[s * metrics.length + m];
        const stored = key && read(store, key);
        if (key === undefined || stored === undefined) continue;
        const cell = unitHash(key);
        for (const [i, scored] of readScores(stored).entries()) {
          const subject = subjects.get(images[i]?.name ?? "");
          if (scored === null || subject === undefined) continue;
          const { score, reason, curve } = scored;
          const control = source.kind !== "method";
          yield { ...subject, method: source.id, control, metric: metric.id, score, reason, curve, cell };
        }
      }
    }
  }
}

const classText = ({ index, minus }: Explained, labels: readonly string[]): string => {
  const label = (i: number): string => labels[i] ?? String(i);
  return minus === undefined ? label(index) : `${label(index)}-${label(minus)}`;
};

function mapsOf({ context, facts, chunks }: Part, store: Store, image: string): readonly StudyMap[] {
  const images = chunks.find((chunk) => chunk.some(({ name }) => name === image));
  if (images === undefined) return [];
  const at = images.findIndex(({ name }) => name === image);
  const { maps } = chunkUnits(context, images);
  return context.declaration.methods.flatMap(({ id, spec }) => {
    const key = maps.get(id);
    const stored = key && read(store, key);
    const map = stored ? readMaps(stored)[at] : undefined;
    if (!map) return [];
    const { dataset, model, image: size } = facts;
    const { scaling } = methodFromSpec(spec);
    const atImageSize = (): Float32Array => imageMap(map, scaling, size);
    return [{ dataset, model, method: id, image, ...map, size, atImageSize }];
  });
}

function mistakesOf(pair: StoredPair, store: Store, image: string): readonly StudyMistake[] {
  const { context, facts, chunks } = pair;
  const own = chunks.find((chunk) => chunk.some(({ name }) => name === image)) ?? [];
  const mistaken = pair.mistaken();
  const chosen = mistaken.slice(0, context.declaration.report.misclassified);
  const planned = chosen.find(({ name }) => name === image);
  if (planned === undefined) return [];
  const views = MISTAKEN_CLASSES.flatMap((explained) =>
    isDeclared(context, explained)
      ? [{ explained, context, images: own }]
      : mistakeChunks(context, mistaken).filter(
          (c) => c.explained === explained && c.images.includes(planned),
        ),
  );
  return views.flatMap(({ explained, context: seen, images }) => {
    const subjects = [...subjectsOf({ context: seen, facts, chunks: [images] }, store)];
    const subject = subjects.find((s) => s.image.name === image);
    if (subject?.explained == null) return [];
    const label = classText(subject.explained, facts.labels);
    const probability = subject.prediction.probabilities[subject.explained.index] ?? Number.NaN;
    const at = images.findIndex(({ name }) => name === image);
    const scores = chunkUnits(seen, images).scores.flatMap(({ key, source, metric }) => {
      const stored = source.kind === "method" ? read(store, key) : undefined;
      const scored = stored && readScores(stored)[at];
      if (!scored) return [];
      const { score, reason, curve } = scored;
      return [{ method: source.id, metric: metric.id, score, reason, curve, cell: unitHash(key) }];
    });
    const maps = mapsOf({ context: seen, facts, chunks: [images] }, store, image);
    const { dataset, model } = facts;
    return [{ dataset, model, image, explained, label, probability, maps, scores }];
  });
}

function mistakenOf({ context, chunks }: Part, store: Store): readonly PlannedImage[] {
  return chunks.flatMap((images) => {
    const stored = read(store, chunkUnits(context, images).predictions);
    return stored === undefined ? [] : mistakenImages(context, images, readPredictions(stored));
  });
}
