/** @file training.json: all that made a model and all that is known of it, for whoever uses it and whoever repeats it. */
import type { Scores } from "../metrics/scores.js";
import type { EpochRecord, LoopState } from "./loop.js";

/** Values that JSON gives back as they were. */
export type Settings = { readonly [name: string]: unknown };

export interface TrainingRecord {
  /** Of vitreous. */
  readonly version: string;
  /** Every setting that the result depends on, defaults included. */
  readonly settings: Settings;
  readonly machine: { readonly node: string; readonly onnxruntime: string; readonly platform: string };
  readonly parameters: { readonly trained: number; readonly frozen: number };
  readonly classes: readonly string[];
  /** Images of each class, in the order of the classes. */
  readonly splits: Readonly<Record<string, readonly number[]>>;
  /** What a person should know: of the data set, the split, the model. */
  readonly notes: readonly string[];
  /** Files that could not be read. */
  readonly setAside: readonly { readonly image: string; readonly reason: string }[];
  readonly curve: readonly EpochRecord[];
  readonly best: LoopState["best"];
  readonly ended: LoopState["ended"];
  readonly intervals: string;
  /** Of the best epoch. */
  readonly validation: Scores;
  /** Of the best epoch, computed once. */
  readonly test: Scores;
  readonly seconds: { readonly training: number };
}

/** How the intervals are made, in words. */
export const INTERVALS =
  "95 %: Wilson's for accuracy, recall and precision; for the others BCa bootstrap, 2000 resamples of whole groups";

/** As JSON; what is undefined is null, so that a reader sees that it is. */
export const recordText = (record: object): string =>
  `${JSON.stringify(record, (_, value: unknown) => (value === undefined ? null : value), 1)}\n`;
