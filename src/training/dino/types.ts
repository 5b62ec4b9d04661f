/**
 * @file What the parts of DINO (Caron et al. 2021, "Emerging Properties in Self-Supervised Vision Transformers") hand each
 * other: crops come from the data, the backbone from the models, the trained teacher goes to evaluation and to disk.
 * Numbers are those of facebookresearch/dino's main_dino.py unless it says otherwise.
 */
import type { Size } from "../../models/architecture.js";
import type { CheckpointTensor } from "../parameters.js";
import type { TrainerState } from "../types.js";

/** The projection head, DINOHead. */
export interface DinoHeadOptions {
  /** Prototypes: length of the head's output. 65536 as published; 4096 by default, for data sets of some ten thousand images. */
  readonly out?: number;
  /** Width of the MLP's hidden layers. 2048 as published; 512 by default. */
  readonly hidden?: number;
  /** Length of the normalised vectors in front of the last layer; 256. */
  readonly bottleneck?: number;
  /** Linear layers of the MLP; 3. */
  readonly layers?: number;
  /** Whether the last layer's rows keep the length 1 (norm_last_layer); true. */
  readonly normLast?: boolean;
}

export interface DinoModelOptions {
  readonly head?: DinoHeadOptions;
  /** [height, width] of the large crops; by default the backbone's own image size. */
  readonly globalSize?: Size;
  /** [height, width] of the small crops; undefined where there are none. */
  readonly localSize?: Size | undefined;
  /** Of the student's logits; 0.1. */
  readonly studentTemperature?: number;
  /** Of the head's first weights; 0. */
  readonly seed?: number;
}

export interface DinoTrainerOptions {
  /** Images a step. */
  readonly batch: number;
  readonly epochs: number;
  readonly stepsPerEpoch: number;
  /** For 256 images a step, in proportion for others; 5e-4. */
  readonly learningRate?: number;
  /** At the end, not scaled; 1e-6. */
  readonly leastLearningRate?: number;
  /** Epochs in which the learning rate rises from 0; 10, or all where there are fewer. May be a fraction. */
  readonly warmupEpochs?: number;
  /** Of matrices, tokens and positions, at the beginning; 0.04. */
  readonly weightDecay?: number;
  /** At the end, reached along a cosine; 0.4. */
  readonly finalWeightDecay?: number;
  /** Largest norm of each tensor's gradient, for itself as published; 3. undefined: not clipped. */
  readonly clip?: number | undefined;
  /** Epochs in which the head's last layer is not changed; 1. */
  readonly freezeLastEpochs?: number;
  /** What of the teacher stays at each step, at the beginning; 0.996. It rises to 1 along a cosine. */
  readonly momentum?: number;
  /** Of the teacher's logits, at the beginning; 0.04. */
  readonly warmupTeacherTemperature?: number;
  /** After the warm-up; 0.04. */
  readonly teacherTemperature?: number;
  /** Epochs in which the temperature changes from one to the other; 0. */
  readonly warmupTeacherTemperatureEpochs?: number;
  /** What of the centre stays at each step; 0.9. */
  readonly centreMomentum?: number;
  /** Probability that the student's last block is skipped, less for those before; 0.1. */
  readonly dropPath?: number;
  /** Of skipped blocks; 0. */
  readonly seed?: number;
}

/** Crops of one step. Where fewer images than the batch are left, the last ones are padding of any value. */
export interface DinoBatch {
  /** Two large crops of each image: [batch, channels, height, width] each. */
  readonly globals: readonly [Float32Array, Float32Array];
  /** Small crops, in the same shape but smaller; none is allowed. As many in every step. */
  readonly locals: readonly Float32Array[];
  /** How many of the batch are images and no padding. */
  readonly size: number;
  /** Which images of the data set these are. */
  readonly indices: readonly number[];
}

export interface DinoStepResult {
  /** Mean of the cross-entropies between teacher and student over images and pairs of different crops. */
  readonly loss: number;
  /** Global norm of the gradient before clipping. */
  readonly gradientNorm: number;
  readonly learningRate: number;
  readonly weightDecay: number;
  /** Of the teacher. */
  readonly momentum: number;
  readonly teacherTemperature: number;
  /**
   * Mean entropy in nats of the teacher's distributions: near ln(out) they are all but uniform, near 0 with a falling loss
   * all images may be given the same prototype.
   */
  readonly teacherEntropy: number;
  /** Whether the weights were changed: not by a step whose loss or gradient is no finite number. */
  readonly applied: boolean;
}

/** Whose backbone: the teacher's is the better one, and what is evaluated and kept. */
export type DinoNetwork = "teacher" | "student";

export interface DinoTrainer {
  /** [height, width] of the crops it takes. */
  readonly globalSize: Size;
  readonly localSize: Size | undefined;
  /** Length of the features. */
  readonly width: number;
  /**
   * One update of student, teacher and centre. The batch's arrays stay the caller's.
   *
   * @throws VitreousError for arrays of another size, and when loss or gradient was no finite number several times in a row
   */
  step(batch: DinoBatch): Promise<DinoStepResult>;
  /**
   * What a classifier would read of prepared pictures [count, channels, height, width] of the large crops' size:
   * [count, width], the class token behind the last norm or the mean of a Swin's tokens, not normalised.
   *
   * @param network the teacher by default
   */
  features(pixels: Float32Array, count: number, network?: DinoNetwork): Promise<Float32Array>;
  /** Everything that later steps depend on; the centre is the array "centre/head". */
  snapshot(): Promise<TrainerState>;
  /** @throws VitreousError for the state of another training */
  restore(state: TrainerState): Promise<void>;
  /**
   * The backbone's tensors by the checkpoint's names, in its layout; the projection head's are left out.
   *
   * @param network the teacher by default
   */
  tensors(network?: DinoNetwork): Promise<Map<string, CheckpointTensor>>;
  /** Ends the worker after what was asked for so far. Idempotent. */
  close(): Promise<void>;
}
