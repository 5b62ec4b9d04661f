/** @file Studies made of given scores, for tests: a declaration and rows, without models or images. */
import type { StoredStudy, StudyPrediction } from "../../run/types.js";
import type { ScoreRow, StudyDeclaration, StudyFailure } from "../../types.js";

export type SyntheticRow = Pick<ScoreRow, "dataset" | "model" | "method" | "metric" | "image" | "score"> &
  Partial<ScoreRow>;

export interface SyntheticOptions {
  readonly statistics?: Partial<StudyDeclaration["statistics"]>;
  readonly failures?: readonly StudyFailure[];
}

const CONTROL = /^(random|center|edge|inverted )/;

/** A study that holds these rows and declares what they name; metrics that begin with "deletion" are better low. */
export function syntheticStudy(
  given: readonly SyntheticRow[],
  { statistics = {}, failures = [] }: SyntheticOptions = {},
): StoredStudy {
  const rows = given.map(completed);
  const names = (key: "dataset" | "model" | "method" | "metric"): readonly string[] => [
    ...new Set(rows.filter((r) => key !== "method" || !r.control).map((r) => r[key])),
  ];
  const declaration: StudyDeclaration = {
    title: "A study",
    seed: 1,
    datasets: names("dataset").map((id) => ({
      id,
      title: id.toUpperCase(),
      path: id,
      split: null,
      splits: null,
      images: null,
      select: "order",
    })),
    models: names("model").map((id) => ({ id, title: id.toUpperCase(), checkpoints: {} })),
    methods: names("method").map((id) => ({ id, spec: id, parameters: {} })),
    metrics: names("metric").map((id) => ({
      id,
      spec: id,
      parameters: {},
      direction: id.startsWith("deletion") ? "lower" : "higher",
    })),
    class: "top",
    controls: rows.some((r) => r.control) ? ["random", "center", "edge", "inverted"] : [],
    statistics: { level: 0.95, resamples: 100, test: "wilcoxon", alpha: 0.05, power: 0.8, ...statistics },
    report: { gallery: 2, misclassified: 2 },
    run: { device: "cpu", batch: 8, unit: 8 },
  };
  return {
    declaration,
    datasets: declaration.datasets.map((dataset) => {
      const own = firstOf(
        rows.filter((r) => r.dataset === dataset.id),
        (r) => r.image,
      );
      return {
        dataset,
        classes: [...new Set(own.flatMap((r) => r.label ?? []))].sort(),
        images: own.map(({ image: name, imageSha256: sha256, label, group }) => ({
          name,
          path: name,
          sha256,
          label,
          group,
        })),
        available: own.length,
        notes: [],
      };
    }),
    checkpoints: [],
    failures,
    complete: true,
    rows: () => rows,
    predictions: () =>
      firstOf(rows, (r) => JSON.stringify([r.dataset, r.model, r.image])).map(
        ({ dataset, model, image, label, predicted, correct }): StudyPrediction => ({
          dataset,
          model,
          image,
          label,
          predicted,
          correct,
          probabilities: new Float64Array(),
        }),
      ),
    maps: () => [],
    mistakes: () => [],
  };
}

function completed(row: SyntheticRow): ScoreRow {
  const { label = null, predicted = "a" } = row;
  return {
    control: CONTROL.test(row.method),
    imageSha256: `sha256 of ${row.image}`,
    group: null,
    label,
    predicted,
    correct: label === null ? null : label === predicted,
    class: predicted,
    probability: 0.8,
    reason: row.score === null ? "the class has no probability" : null,
    curve: row.score === null ? [] : [0, row.score, 1],
    cell: "0".repeat(64),
    ...row,
  };
}

function firstOf<T>(items: readonly T[], key: (item: T) => string): readonly T[] {
  const seen = new Map<string, T>();
  for (const item of items) if (!seen.has(key(item))) seen.set(key(item), item);
  return [...seen.values()];
}
