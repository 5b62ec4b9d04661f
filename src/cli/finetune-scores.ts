/** @file The scores of a fine-tuned model, as a table for people and as JSON. */
import type { Score } from "../training/metrics/scores.js";
import type { TrainingRecord } from "../training/run/record.js";
import { percent, table } from "./format.js";

export function scoresTable({ test, validation }: TrainingRecord): string {
  const cell = ({ value, interval }: Score): string =>
    value === undefined
      ? "–"
      : `${percent(value)}${interval ? ` [${interval.map((v) => percent(v)).join(", ")}]` : ""}`;
  return table([
    ["score", `test (${test.images} images)`, `validation (${validation.images} images)`],
    ["accuracy", cell(test.accuracy), cell(validation.accuracy)],
    ["balanced accuracy", cell(test.balancedAccuracy), cell(validation.balancedAccuracy)],
    ["macro F1", cell(test.macroF1), cell(validation.macroF1)],
    ["calibration error", cell(test.calibrationError), cell(validation.calibrationError)],
    ...test.classes.map((c, i) => {
      const other = validation.classes[i];
      return [`recall ${c.label}`, cell(c.recall), other === undefined ? "–" : cell(other.recall)];
    }),
  ]);
}

export function summaryOf({ best, classes, test, validation, curve }: TrainingRecord, out: string) {
  return { out, epochs: curve.length, best, classes, test, validation };
}
