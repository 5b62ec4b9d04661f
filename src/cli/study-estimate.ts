/** @file The estimate of a study as a table. */
import type { StudyEstimate } from "../study/estimate/estimate.js";
import type { StudyDeclaration } from "../study/types.js";
import { formatBytes, formatDuration, plural, table } from "./format.js";

export function estimateTable(
  { parts, total }: StudyEstimate,
  { methods, metrics, controls, run }: StudyDeclaration,
  workers: number,
): string {
  const rows = parts.map(({ dataset, model, images, cells, forwards, seconds, bytes }) => [
    dataset,
    model,
    ...[images, cells, forwards].map(String),
    formatDuration(seconds),
    formatBytes(bytes),
  ]);
  const what = [
    plural(methods.length, "method"),
    plural(metrics.length, "metric"),
    controls.length > 0 ? `controls (${controls.join(", ")})` : "no controls",
    `batches of ${run.batch}`,
    `on ${run.device}`,
  ];
  const { forwards, explanations, seconds } = total.mistakes;
  const more =
    explanations === 0
      ? []
      : [
          `up to ${plural(forwards, "more forward pass", "more forward passes")} and ${plural(explanations, "explanation")} (${formatDuration(seconds)}) where models take images for another class; report.misclassified: 0 leaves them out`,
        ];
  return [
    table([["data set", "model", "images", "cells", "forwards", "time", "disk"], ...rows]),
    `${what.join(", ")}: ${total.cells} cells in ${plural(total.units, "unit")}, ${total.forwards} forward passes and ${plural(total.explanations, "explanation")}`,
    ...more,
    `about ${formatDuration(total.seconds)} with ${plural(workers, "worker")} and ${formatBytes(total.bytes)}, the report not counted; nothing was written`,
  ].join("\n");
}
