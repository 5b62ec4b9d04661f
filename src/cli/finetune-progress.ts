/** @file Progress of a fine-tuning on the terminal. */
import type { EpochRecord } from "../training/run/loop.js";
import { percent } from "./format.js";
import type { Terminal } from "./terminal.js";
import { trainingProgress } from "./training-progress.js";

export const showing = (say: Terminal) =>
  trainingProgress(
    say,
    ({ train, validation }: EpochRecord, best: boolean) =>
      `loss ${train.loss.toFixed(4)}, validation ${validation.loss.toFixed(4)}, accuracy ${percent(validation.accuracy)}, balanced ${percent(validation.balancedAccuracy)}${best ? ", the best so far" : ""}`,
  );
