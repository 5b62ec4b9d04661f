/**
 * @file How often the explained models are right, which stands beside every score: a faithful map of a wrong model is
 * no virtue.
 */
import { naturalCompare } from "../../datasets/order.js";
import { wilsonInterval } from "../../stats/wilson.js";
import type { StudyPrediction } from "../run/types.js";
import type { Accuracy, Confusion } from "./types.js";

type Verdict = Pick<StudyPrediction, "label" | "predicted" | "correct">;

/** Predictions by data set and model, in their order. */
export type Verdicts = ReadonlyMap<string, ReadonlyMap<string, readonly Verdict[]>>;

/** What is needed of the predictions: without the probabilities of ten thousand images. */
export function collectVerdicts(predictions: Iterable<StudyPrediction>): Verdicts {
  const byDataset = new Map<string, Map<string, Verdict[]>>();
  for (const { dataset, model, label, predicted, correct } of predictions) {
    const byModel = byDataset.get(dataset) ?? new Map<string, Verdict[]>();
    byDataset.set(dataset, byModel);
    const verdicts = byModel.get(model) ?? [];
    byModel.set(model, verdicts);
    verdicts.push({ label, predicted, correct });
  }
  return byDataset;
}

/** Each model's accuracy on each data set it was run on. */
export function accuracies(verdicts: Verdicts, level: number): readonly Accuracy[] {
  return overModels(verdicts, (dataset, model, all) => {
    const labelled = all.filter((v) => v.correct !== null);
    const correct = labelled.filter((v) => v.correct === true).length;
    return {
      dataset,
      model,
      images: all.length,
      unlabelled: all.length - labelled.length,
      correct,
      accuracy: labelled.length === 0 ? null : correct / labelled.length,
      interval: wilsonInterval(correct, labelled.length, level) ?? null,
    };
  });
}

/** What each model took images of each class for; nothing where no image is labelled. */
export function confusions(verdicts: Verdicts): readonly Confusion[] {
  return overModels(verdicts, (dataset, model, all) => {
    const counts = new Map<string, Map<string, number>>();
    for (const { label, predicted, correct } of all) {
      if (label === null || correct === null) continue;
      const row = counts.get(label) ?? new Map<string, number>();
      counts.set(label, row.set(predicted, (row.get(predicted) ?? 0) + 1));
    }
    const labels = [...counts.keys()].sort(naturalCompare);
    const others = new Set([...counts.values()].flatMap((row) => [...row.keys()]));
    const predicted = [...labels, ...[...others].filter((p) => !counts.has(p)).sort(naturalCompare)];
    return {
      dataset,
      model,
      labels,
      predicted,
      counts: labels.map((label) => predicted.map((p) => counts.get(label)?.get(p) ?? 0)),
    };
  }).filter(({ labels }) => labels.length > 0);
}

const overModels = <T>(
  verdicts: Verdicts,
  make: (dataset: string, model: string, all: readonly Verdict[]) => T,
): readonly T[] =>
  [...verdicts].flatMap(([dataset, models]) => [...models].map(([model, all]) => make(dataset, model, all)));
