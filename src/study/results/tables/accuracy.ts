/** @file How often each model is right on each data set. */
import { titleOf } from "../../analysis/findings.js";
import type { StudyAnalysis } from "../../analysis/types.js";
import { estimateCell, plain, type Table } from "./table.js";

export function accuracyTable({ title, accuracy, datasets, models, settings }: StudyAnalysis): Table {
  return {
    name: "accuracy",
    caption: `${title}: accuracy of the models`,
    columns: [
      { name: "Data set", align: "left" },
      { name: "Model", align: "left" },
      { name: "Images", align: "right" },
      { name: "Unlabelled", align: "right" },
      { name: "Correct", align: "right" },
      { name: "Accuracy", align: "right" },
    ],
    rows: accuracy.map((a) => ({
      cells: [
        plain(titleOf(datasets, a.dataset)),
        plain(titleOf(models, a.model)),
        plain(String(a.images)),
        plain(String(a.unlabelled)),
        plain(String(a.correct)),
        estimateCell({ mean: a.accuracy, interval: a.interval }),
      ],
    })),
    notes: [`${100 * settings.level} % intervals of Wilson.`],
    numbers: {
      header: ["dataset", "model", "images", "unlabelled", "correct", "accuracy", "low", "high"],
      rows: accuracy.map((a) => [
        a.dataset,
        a.model,
        a.images,
        a.unlabelled,
        a.correct,
        a.accuracy,
        a.interval?.[0] ?? null,
        a.interval?.[1] ?? null,
      ]),
    },
  };
}
