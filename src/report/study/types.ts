/**
 * @file What a study's report is made of: the analysis, and of some images what there is to look at. Plain data, so that
 * the page can be made, and tested, without models, images or a store.
 */
import type { StudyAnalysis } from "../../study/analysis/types.js";
import type { CheckpointFacts, StoredStudy } from "../../study/run/types.js";

export interface StudyReport {
  readonly analysis: StudyAnalysis;
  readonly study: ReportedStudy;
  /** In the data sets' order. */
  readonly gallery: readonly ShownImage[];
  /** Images that some model takes for another class; `models` are those that do. */
  readonly misclassified: readonly MisclassifiedImages[];
  /** Where each mean's rows are stored. */
  readonly origins: readonly Origin[];
  /** Of this package. */
  readonly version: string;
}

export type ReportedStudy = Pick<StoredStudy, "declaration" | "datasets" | "complete"> & {
  readonly checkpoints: readonly CheckpointFacts[];
};

export interface MisclassifiedImages {
  readonly dataset: string;
  /** All that some model gets wrong, shown or not. */
  readonly count: number;
  readonly shown: readonly ShownImage[];
}

/** An image with what models say of it and how their maps score. */
export interface ShownImage {
  readonly dataset: string;
  readonly name: string;
  readonly sha256: string;
  readonly label: string | null;
  /** Why there is no picture of it; null where there is. */
  readonly missing: string | null;
  readonly models: readonly ShownModel[];
}

export interface ShownModel {
  readonly model: string;
  readonly predicted: ShownClass;
  /** The true class, where it is one of the model's. */
  readonly truth: ShownClass | null;
  readonly correct: boolean | null;
  /** The class that was explained; null where none was. */
  readonly explained: string | null;
  /** As the model sees it, as a data: URI; null where the image file is gone. */
  readonly picture: string | null;
  /** Of the picture and the maps, [height, width]. */
  readonly size: readonly [number, number];
  readonly maps: readonly ShownMap[];
  readonly scores: readonly ShownScore[];
  /** Of a mistake: by the class that the model took the image for, and by the true one. Empty where it was not computed. */
  readonly views: readonly ShownView[];
  /** The first view's maps less the second's. */
  readonly differences: readonly ShownMap[];
}

export interface ShownView extends ShownClass {
  readonly explained: "predicted" | "true";
  readonly maps: readonly ShownMap[];
  readonly scores: readonly ShownScore[];
}

export interface ShownClass {
  readonly label: string;
  readonly probability: number;
}

export interface ShownMap {
  readonly method: string;
  /** Colours that cover the picture where the map is strong, as a data: URI. */
  readonly heat: string;
}

export interface ShownScore {
  readonly method: string;
  readonly metric: string;
  readonly control: boolean;
  readonly score: number | null;
  readonly reason: string | null;
  readonly curve: readonly number[];
  readonly cell: string;
}

/** The stored results that a mean is taken over. */
export interface Origin {
  readonly dataset: string;
  readonly model: string;
  readonly method: string;
  readonly metric: string;
  /** Hashes, in the images' order. */
  readonly cells: readonly string[];
}
