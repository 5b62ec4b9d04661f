/** @file What a study is where its file says nothing, in one place, so that the record and the documentation agree. */
import { ALL_CONTROLS } from "../../metrics/controls.js";
import type { StudyDataset, StudyDeclaration } from "../types.js";

type Settings = Pick<StudyDeclaration, "seed" | "class" | "controls" | "statistics" | "report" | "run"> &
  Pick<StudyDataset, "select"> & {
    /** Of a data set whose splits.json is given: what the model was not trained on. */
    readonly split: string;
  };

export const DEFAULTS: Settings = {
  seed: 0,
  class: "top",
  controls: ALL_CONTROLS,
  select: "stratified",
  split: "test",
  statistics: { level: 0.95, resamples: 2000, test: "wilcoxon", alpha: 0.05, power: 0.8 },
  report: { gallery: 6, misclassified: 6 },
  run: { device: "cpu", batch: 8, unit: 8 },
};
