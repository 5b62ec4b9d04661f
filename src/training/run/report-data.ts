/** @file What a page about a training shows. Here and not beside the page, which is made by a room that knows this one. */
import type { Scores } from "../metrics/scores.js";
import type { EpochRecord } from "./loop.js";

/** What a page shows of an epoch. */
export interface ReportEpoch {
  readonly train: Pick<EpochRecord["train"], "loss">;
  readonly validation: EpochRecord["validation"];
}

export interface WrongImage {
  readonly name: string;
  readonly label: string;
  readonly predicted: string;
  /** Of the predicted class. */
  readonly probability: number;
  /** data: URI; undefined for those beyond the page's size. */
  readonly picture?: string;
}

export interface TrainingReport {
  readonly title: string;
  /** Facts in a line under the title. */
  readonly facts: readonly string[];
  readonly curve: readonly ReportEpoch[];
  /** The epoch that was kept, from 1. */
  readonly best: number;
  readonly validation: Scores;
  readonly test: Scores;
  /** Test images that were taken for another class; the surest first. */
  readonly wrong: readonly WrongImage[];
  readonly notes: readonly string[];
}
