/**
 * @file What the parts of training hand each other: batches come from the data, the step graph from the model, results
 * go to the loop. One file, so that none of the parts has to know another.
 */
import type { Model } from "../onnx/graph.js";

/** What is minimised. */
export type Objective =
  /** Σ −target·log softmax(logits); targets are soft: label smoothing and MixUp are made outside. */
  | { readonly kind: "cross-entropy" }
  /**
   * A teacher's logits as a further input: (1 − alpha)·cross-entropy with the targets + alpha·the teacher's loss. "hard":
   * cross-entropy with the teacher's decision; "soft": temperature²·KL at that temperature. Of a model with a class and a
   * distillation head (Touvron et al. 2021) each has one of the two; of one with a single head, it has both.
   */
  | {
      readonly kind: "distillation";
      readonly mode: "hard" | "soft";
      readonly alpha: number;
      readonly temperature: number;
    };

/** Images of one step. Padding images, if fewer than the graph's batch are left, have the sample weight 0. */
export interface TrainingBatch {
  /** [batch, channels, height, width], prepared as the model wants. */
  readonly pixels: Float32Array;
  /** [height, width] where it is not the model's own: one of the sizes that the trainer was opened for. */
  readonly image?: readonly [number, number];
  /** [batch, classes]: what share of each class an image is. */
  readonly targets: Float32Array;
  /** [batch]: the loss is Σ weight·loss; 1 / size each for a mean. */
  readonly sampleWeights: Float32Array;
  /** [batch, classes] of the teacher, where the objective is distillation. */
  readonly teacherLogits?: Float32Array;
  /** Which images of the data set these are. */
  readonly indices: readonly number[];
  /** How many of the batch are images and no padding. */
  readonly size: number;
}

export interface StepGraphOptions {
  /** Images a run: the graph's batch size is fixed. */
  readonly batch: number;
  /** Constants of the model that are trained: they become inputs of the same name. */
  readonly trained: ReadonlySet<string>;
  readonly objective: Objective;
  /** Probability that the last block's branches are skipped for an image, rising linearly from 0 at the first. */
  readonly dropPath?: number;
  /** Probability that an element of the embeddings, or of what a branch adds, is zeroed; the others are scaled up. */
  readonly dropout?: number;
}

/** Forward, loss and the gradient of every trained constant as one graph. */
export interface StepGraph {
  readonly model: Model;
  readonly inputs: {
    /** [batch, channels, height, width] */
    readonly pixels: string;
    /** [batch, classes] */
    readonly targets: string;
    /** [batch] */
    readonly sampleWeights: string;
    /** [batch, classes]; distillation only. */
    readonly teacherLogits?: string;
    /** [keep.length, batch]: what each residual branch is multiplied by for each image, 0 or 1 / keep. */
    readonly masks?: string;
    /** uint8 of their values' shapes, 1 for what is kept and 0 for what is zeroed: the embeddings, then each branch. */
    readonly dropout: readonly string[];
  };
  /** The probability that each row of the masks keeps its branch; empty without drop path. */
  readonly keep: readonly number[];
  readonly outputs: {
    /** [batch], unweighted. */
    readonly losses: string;
    /** [batch, classes], as the model gives them at inference. */
    readonly logits: string;
    /** Of Σ weight·loss, by trained constant; each of the constant's shape. */
    readonly gradients: ReadonlyMap<string, string>;
  };
}

export interface StepResult {
  /** Σ weight·loss over the batches of the step. */
  readonly loss: number;
  /** [images, classes] of all batches of the step, padding included; empty where the trainer gives none. */
  readonly logits: Float32Array;
  /** Global norm of the gradient before clipping. */
  readonly gradientNorm: number;
  /** Of the head's parameters, before layer-wise decay. */
  readonly learningRate: number;
  /** Whether the weights were changed: not by a step whose loss or gradient is no finite number. */
  readonly applied: boolean;
}

/** Everything that a later step depends on: training goes on from here bit for bit. */
export interface TrainerState {
  /** Steps taken, those that were not applied included. */
  readonly step: number;
  /** Steps that changed the weights: what the bias correction counts. */
  readonly updates: number;
  /** Steps in a row that were not applied. */
  readonly refused: number;
  /** Of the updates, those that left the held parameters as they were; 0 if left out. */
  readonly heldUpdates?: number;
  /** "parameters/…", "firstMoments/…", "secondMoments/…" and, with EMA, "averages/…", each by parameter name. */
  readonly arrays: ReadonlyMap<string, Float32Array>;
}
