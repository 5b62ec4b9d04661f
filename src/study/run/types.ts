/**
 * @file What a study's run takes, what it tells while it goes on, and what is read back from its store: all that the
 * command, the tables and the report see of the engine.
 */
import type { Preprocessing } from "../../imaging/preprocessing.js";
import type { PlannedImage, StudyPlan } from "../plan/plan.js";
import type { ScoreRow, StudyDataset, StudyDeclaration, StudyFailure } from "../types.js";

/** What is computed: the declaration, and the images that it was found to mean. */
export interface StudyWork {
  readonly declaration: StudyDeclaration;
  readonly plan: StudyPlan;
}

export interface RunStudyOptions {
  /** The study's folder; results are kept in its `cells`. Made where there is none. */
  readonly out: string;
  /** Processes; 1 by default, which is this one. */
  readonly workers?: number;
  /** ONNX Runtime's threads of each worker; by default the cores are divided. Changes no number. */
  readonly threads?: number;
  /** What is done is kept; the run rejects with the signal's reason. */
  readonly signal?: AbortSignal;
  readonly events?: StudyEvents;
}

export interface StudyEvents {
  /** At most a few times a second, and at the end. */
  readonly onProgress?: (progress: StudyProgress) => void;
  /** Sentences for people: a damaged cell that is computed again, a model's warnings. */
  readonly onNote?: (note: string) => void;
  readonly onFailure?: (failure: StudyFailure) => void;
  /** A map was made (and stored), the first within seconds: for who wants to show some before the end. */
  readonly onMap?: (map: StudyMap) => void;
}

/** A cell is a score of one image: one row of the results. */
export interface StudyProgress {
  readonly cells: {
    /** Stored by now, those of earlier runs among them. */
    readonly done: number;
    /** Of all cells that the declaration asks for, as far as is known: what fails is taken off. */
    readonly total: number;
    /** Found in the store. */
    readonly reused: number;
  };
  /** Forward passes and explanations that were run, by one image each. */
  readonly forwards: number;
  /** Images of which all cells were finished, by data set and model, a second of this run; null before the first. */
  readonly imagesPerSecond: number | null;
  /** null while there is nothing to tell from. */
  readonly secondsLeft: number | null;
  readonly seconds: number;
  /** What is being computed: of one of the workers, where there are more. */
  readonly current: { readonly dataset: string; readonly model: string } | null;
}

export interface StudyRunSummary {
  readonly cells: StudyProgress["cells"];
  readonly forwards: number;
  readonly seconds: number;
  /** Each once, those of the plan among them. */
  readonly failures: readonly StudyFailure[];
  readonly notes: readonly string[];
}

/** A model as it was opened for one data set: what its numbers depend on, and what its classes are called. */
export interface CheckpointFacts {
  readonly dataset: string;
  readonly model: string;
  readonly sha256: string;
  /** How it was opened, without the paths of this machine. */
  readonly options: Readonly<Record<string, unknown>>;
  readonly preprocessing: Preprocessing;
  readonly family: "vit" | "swin" | "unknown";
  /** [height, width]. */
  readonly image: readonly [number, number];
  readonly channels: number;
  /** One for each class. */
  readonly labels: readonly string[];
  /** Methods with every "auto" settled; by their ids. Those that do not work on it are in `refused`. */
  readonly methods: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  /** Why a method does not work on this model; by its id. */
  readonly refused: Readonly<Record<string, string>>;
  /** What a person should know of how it was opened. */
  readonly notes: readonly string[];
  /** SHA-256 of all files that it was opened from, where they are known beforehand: it need not be opened to know the rest. */
  readonly fingerprint: string | null;
}

/** A method's map of one image on the token grid, as the method defines it. */
export interface StudyMap {
  readonly dataset: string;
  readonly model: string;
  /** Id. */
  readonly method: string;
  readonly image: string;
  readonly grid: readonly [number, number];
  /** [grid[0], grid[1]] */
  readonly values: Float32Array;
  /** At the model's image size [height, width], in [0, 1]: what is scored and shown; computed anew at each call. */
  readonly atImageSize: () => Float32Array;
  readonly size: readonly [number, number];
}

/**
 * A mistake of a model, explained by one of its two classes: what the model took the image for, or what it is. Scores are
 * of that class's own probability.
 */
export interface StudyMistake {
  readonly dataset: string;
  readonly model: string;
  readonly image: string;
  readonly explained: "predicted" | "true";
  readonly label: string;
  readonly probability: number;
  readonly maps: readonly StudyMap[];
  /** By method and metric; no controls. */
  readonly scores: readonly Pick<ScoreRow, "method" | "metric" | "score" | "reason" | "curve" | "cell">[];
}

/** What a model says of one image. */
export interface StudyPrediction {
  readonly dataset: string;
  readonly model: string;
  readonly image: string;
  readonly label: string | null;
  /** Of the model's classes (`CheckpointFacts.labels`), summing to 1. */
  readonly probabilities: Float64Array;
  readonly predicted: string;
  /** null: no label, or one that is none of the model's classes. */
  readonly correct: boolean | null;
}

export interface StoredDataset {
  readonly dataset: StudyDataset;
  readonly classes: readonly string[];
  readonly images: readonly PlannedImage[];
  readonly available: number;
  readonly notes: readonly string[];
}

/**
 * What a study's folder holds, read as it is asked for: memory does not grow with the number of images but for their
 * names and predictions. What is not computed yet is passed over. Everything comes in the declaration's order.
 */
export interface StoredStudy {
  readonly declaration: StudyDeclaration;
  readonly datasets: readonly StoredDataset[];
  readonly checkpoints: readonly CheckpointFacts[];
  readonly failures: readonly StudyFailure[];
  /** By data set, model, method (controls behind), metric and image. Can be gone through again. */
  rows(): Iterable<ScoreRow>;
  /** By data set, model and image. */
  predictions(): Iterable<StudyPrediction>;
  /** Of one image, by model and method; no controls. */
  maps(dataset: string, image: string): readonly StudyMap[];
  /**
   * Of one image, by model; the predicted class before the true one. There is none where the model is right, and none
   * beyond a model's first `report.misclassified`.
   */
  mistakes(dataset: string, image: string): readonly StudyMistake[];
  /** Whether all that the declaration asks for is there or failed. */
  readonly complete: boolean;
}
