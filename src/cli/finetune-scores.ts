/** @file The scores of a fine-tuned model, as a table for people and as JSON. */
import type { Score } from "../training/metrics/scores.js";
import type { TrainingRecord } from "../training/run/record.js";
import { percent, table } from "./format.js";

/** "93.1% [90.2%, 95.3%]". */
export const scoreCell = ({ value, interval }: Score): string =>
  value === undefined
    ? "–"
    : `${percent(value)}${interval ? ` [${interval.map((v) => percent(v)).join(", ")}]` : ""}`;

export function scoresTable({ test, validation }: TrainingRecord): string {
  return table([
    ["score", `test (${test.images} images)`, `validation (${validation.images} images)`],
    ["accuracy", scoreCell(test.accuracy), scoreCell(validation.accuracy)],
    ["balanced accuracy", scoreCell(test.balancedAccuracy), scoreCell(validation.balancedAccuracy)],
    ["macro F1", scoreCell(test.macroF1), scoreCell(validation.macroF1)],
    ["calibration error", scoreCell(test.calibrationError), scoreCell(validation.calibrationError)],
    ...test.classes.map((c, i) => {
      const other = validation.classes[i];
      return [`recall ${c.label}`, scoreCell(c.recall), other === undefined ? "–" : scoreCell(other.recall)];
    }),
  ]);
}

export function summaryOf({ best, classes, test, validation, curve }: TrainingRecord, out: string) {
  return { out, epochs: curve.length, best, classes, test, validation };
}
