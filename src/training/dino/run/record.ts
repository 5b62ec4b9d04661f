/** @file training.json of a pretraining: all that made a backbone and all that is known of it. */
import type { QuickScores, Scores } from "../../metrics/scores.js";
import type { Settings, TrainingRecord } from "../../run/record.js";
import type { DinoStepResult } from "../types.js";

/** Shares of images that are taken for what they are. */
type Shares = Pick<QuickScores, "accuracy" | "balancedAccuracy">;

/** How well classes can be told apart by features, on validation images. */
export interface QuickEvaluation {
  readonly knn: Shares;
  readonly linear: Shares & {
    /** That did best, of those that were tried. */
    readonly decay: number;
  };
}

export interface PretrainingEpoch {
  /** From 1. */
  readonly epoch: number;
  readonly train: {
    /** Mean over the epoch's images. */
    readonly loss: number;
    readonly images: number;
    readonly steps: number;
    /** Steps whose loss or gradient was no finite number; they changed nothing. */
    readonly refusedSteps: number;
    /** Means of the steps that were applied; the entropy in nats. */
    readonly gradientNorm: number;
    readonly teacherEntropy: number;
  } & Pick<DinoStepResult, "learningRate" | "weightDecay" | "momentum" | "teacherTemperature">;
  /** Where it was due, and the images have labels. */
  readonly evaluation?: QuickEvaluation;
  readonly seconds: number;
}

/** The scores of one kind of classifier. */
interface Evaluated {
  readonly validation: Scores;
  /** Computed once. */
  readonly test: Scores;
}

export interface FinalEvaluation {
  readonly knn: Evaluated;
  readonly linear: Evaluated & {
    readonly decay: number;
    /** Weight decays that were tried; the validation images choose. */
    readonly tried: readonly number[];
  };
}

export interface PretrainingRecord
  extends Pick<TrainingRecord, "version" | "settings" | "machine" | "notes" | "setAside" | "seconds"> {
  readonly settings: Settings;
  readonly parameters: {
    /** Those of the head included, which is thrown away. */
    readonly trained: number;
    readonly backbone: number;
  };
  /** Images that were learnt from. */
  readonly images: number;
  readonly classes?: readonly string[];
  /** Images of each class, in the order of the classes. */
  readonly splits?: Readonly<Record<string, readonly number[]>>;
  /** Before the first step. */
  readonly before?: QuickEvaluation;
  readonly curve: readonly PretrainingEpoch[];
  /** Of the teacher after the last epoch. */
  readonly evaluation?: FinalEvaluation;
  readonly intervals?: string;
}

/** What a page about a pretraining shows. */
export interface PretrainingReport
  extends Pick<PretrainingRecord, "before" | "curve" | "evaluation" | "notes"> {
  readonly title: string;
  /** Facts in a line under the title. */
  readonly facts: readonly string[];
}
