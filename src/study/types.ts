/**
 * @file What the parts of a study hand each other: the declaration as it was resolved, the cells that are computed from
 * it and the rows that results are made of. One file, so that none of the parts has to know another.
 */
import type { ParameterValue } from "../explain/method.js";
import type { AnyControl } from "../metrics/controls.js";

/** A study with everything settled: what study.json holds. Plain data; the order of lists is the order of tables. */
export interface StudyDeclaration {
  readonly title: string;
  /** Of everything drawn: which images, random controls, noise baselines, resampling. */
  readonly seed: number;
  readonly datasets: readonly StudyDataset[];
  readonly models: readonly StudyModel[];
  readonly methods: readonly StudyMethod[];
  readonly metrics: readonly StudyMetric[];
  /** "top", "true", a class number or label, "A-B": as --class. */
  readonly class: string;
  /** Maps that are scored beside the methods', in the order of `ALL_CONTROLS`. */
  readonly controls: readonly AnyControl[];
  readonly statistics: StudyStatistics;
  readonly report: StudyReportOptions;
  readonly run: StudyRunOptions;
}

export interface StudyDataset {
  /** As tables call it: the key in the file. */
  readonly id: string;
  readonly title: string;
  /** Folder or manifest. */
  readonly path: string;
  /** Only images of this part, where the manifest or a splits.json says it. */
  readonly split: string | null;
  /** A splits.json of a fine-tuning, for `split`. */
  readonly splits: string | null;
  /** Images at most; null: all. */
  readonly images: number | null;
  /** "stratified": equal numbers of each class as far as there are any; "order": the first; "random": seeded. */
  readonly select: "stratified" | "order" | "random";
}

export interface StudyModel {
  readonly id: string;
  readonly title: string;
  /** By data set id; a data set that is not here is not run with this model. */
  readonly checkpoints: Readonly<Record<string, StudyCheckpoint>>;
}

export interface StudyCheckpoint {
  /** File, folder or hf:owner/name. */
  readonly path: string;
  readonly arch: string | null;
  readonly head: string | null;
  readonly preprocess: string | null;
  readonly labels: string | null;
  readonly imageSize: readonly [number, number] | null;
}

/** A method or metric: its spec as the command line takes it and all parameters that it then has. */
export interface StudyMethod {
  readonly id: string;
  readonly spec: string;
  readonly parameters: Readonly<Record<string, ParameterValue>>;
}
export interface StudyMetric extends StudyMethod {
  readonly direction: "higher" | "lower";
}

export interface StudyStatistics {
  readonly level: number;
  readonly resamples: number;
  readonly test: "wilcoxon" | "permutation";
  readonly alpha: number;
  /** Of the smallest difference that can be detected. */
  readonly power: number;
}

export interface StudyReportOptions {
  /** Images shown with all their maps, for each data set. */
  readonly gallery: number;
  /** Misclassified images shown, for each data set. */
  readonly misclassified: number;
}

/** What changes no result, but time. */
export interface StudyRunOptions {
  readonly device: string;
  /** Inputs a run of ONNX Runtime. Part of what determines a result's last bits, hence of a cell's identity. */
  readonly batch: number;
  /** Images of a unit: see `UnitKey`. Likewise. */
  readonly unit: number;
}

/**
 * What is computed and stored at once: the same images, in the same order, through the same model, so that a result's
 * last bits, which depend on the company an input has in a batch, follow from the declaration alone and never from where
 * a run was interrupted. A unit's hash is over all of it; a cell is a unit's result for one image.
 */
export interface UnitKey {
  readonly kind: "predictions" | "endpoints" | "maps" | "scores";
  /** Of everything in this package and ONNX Runtime that changes numbers. */
  readonly engine: Readonly<Record<string, string>>;
  readonly model: { readonly sha256: string; readonly options: Readonly<Record<string, unknown>> };
  readonly preprocessing: Readonly<Record<string, unknown>>;
  /** sha256 of each image's bytes, in the unit's order. */
  readonly images: readonly string[];
  readonly batch: number;
  readonly device: string;
  readonly class?: string | number;
  /** Where the class is the true one: each image's, among the model's. */
  readonly labels?: readonly (number | null)[];
  readonly method?: { readonly name: string; readonly parameters: Readonly<Record<string, unknown>> };
  readonly metric?: { readonly name: string; readonly parameters: Readonly<Record<string, unknown>> };
  /** Where the seed plays a part. */
  readonly seed?: number;
}

/**
 * A score of one image; what scores.parquet has a row for. Rows come by data set, model, method (controls behind),
 * metric and image, each in the declaration's order, so that all that a mean is taken over comes together.
 */
export interface ScoreRow {
  readonly dataset: string;
  readonly model: string;
  readonly method: string;
  /** Whether the map is a control's ("random", "center", "edge", "inverted …"). */
  readonly control: boolean;
  readonly metric: string;
  /** Within its data set. */
  readonly image: string;
  readonly imageSha256: string;
  readonly group: string | null;
  readonly label: string | null;
  readonly predicted: string;
  readonly correct: boolean | null;
  /** The class that was explained. */
  readonly class: string;
  /** Probability of that class for the image as it is. */
  readonly probability: number;
  /** null with a reason. */
  readonly score: number | null;
  readonly reason: string | null;
  readonly curve: readonly number[];
  /** Hash of the cell, by which the row is traced. */
  readonly cell: string;
}

/** An image that could not be read or computed, and what for. */
export interface StudyFailure {
  readonly dataset: string;
  readonly image: string | null;
  readonly model: string | null;
  readonly method: string | null;
  readonly reason: string;
}
