/** @file The metrics by name: adding one is one file, one test, and one line here. */
import { type Entry, fromRegistry } from "../spec.js";
import { deletion, deletionSchema } from "./deletion.js";
import { insertion, insertionSchema } from "./insertion.js";
import type { Metric } from "./metric.js";

export const METRICS: Readonly<Record<string, Entry<Metric>>> = {
  insertion: { schema: insertionSchema, make: insertion },
  deletion: { schema: deletionSchema, make: deletion },
};

/** "insertion", "deletion:step=448,baseline=mean" → the metric. */
export function metricFromSpec(text: string): Metric {
  return fromRegistry("metric", METRICS, text);
}
