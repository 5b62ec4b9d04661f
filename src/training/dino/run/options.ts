/**
 * @file Everything that can be chosen about a pretraining, checked, with its defaults: one record that the command line
 * fills, that training.json keeps, and that a resumed run is compared by. The defaults are the published ones
 * (facebookresearch/dino, main_dino.py, eval_knn.py), but for the head's size, which is for data sets of some ten
 * thousand images.
 */
import { z } from "zod";
import { checkOptions, numberOption, switchOption } from "../../../spec.js";
import { type MultiCropInput, multiCropOptions } from "../../data/multi-crop-options.js";

const share = numberOption(0, 1);
const count = numberOption(1, 100_000, true);
const epochs = numberOption(0, 100_000);
/** Of a softmax. */
const temperature = numberOption(1e-4, 100);
const positive = numberOption(1e-12, 100);

const schema = z.strictObject({
  epochs: count.default(100),
  /** Images a step. */
  batch: numberOption(1, 4096, true).default(64),
  /** AdamW's at the end of the warm-up, for 256 images a step; in proportion for others. */
  learningRate: positive.default(5e-4),
  /** AdamW's at the end, whatever the batch. */
  leastLearningRate: numberOption(0, 10).default(1e-6),
  /** Epochs in which the learning rate rises from 0; a tenth of all, as published, where it is not given. */
  warmup: epochs.optional(),
  /** At the beginning and, along a cosine, at the end. */
  weightDecay: numberOption(0, 10).default(0.04),
  finalWeightDecay: numberOption(0, 10).default(0.4),
  /** Greatest norm of each tensor's gradient; 0: any. */
  clip: numberOption(0, 1e9).default(3),
  /** Epochs in which the head's last layer does not change. */
  freezeLast: epochs.default(1),
  /** Of the student. */
  dropPath: numberOption(0, 0.9).default(0.1),
  /** What of the teacher stays at each step, at the beginning; 1 at the end. */
  momentum: share.default(0.996),
  studentTemperature: temperature.default(0.1),
  /** At the beginning, and after its warm-up of so many epochs. */
  warmupTeacherTemperature: temperature.default(0.04),
  teacherTemperature: temperature.default(0.04),
  temperatureWarmup: numberOption(0, 100_000, true).default(0),
  /** What of the centre stays at each step. */
  centreMomentum: share.default(0.9),
  /** Length of the head's output; 65536 as published. */
  prototypes: numberOption(2, 1_000_000, true).default(4096),
  /** Width of the head's hidden layers; 2048 as published. */
  hidden: count.default(512),
  /** Length of the vectors in front of the head's last layer. */
  bottleneck: count.default(256),
  /** Layers of the head in front of its last. */
  headLayers: numberOption(1, 16, true).default(3),
  /** Whether the last layer's rows keep the length 1. */
  normLast: switchOption.default(true),
  /** Whether only the model's architecture is taken, and its weights are drawn. */
  scratch: switchOption.default(false),
  /** Only the model's first so many blocks are taken; 0, where nothing is given: all. */
  depth: numberOption(1, 1000, true).default(0),
  /** Epochs from one evaluation to the next. */
  evaluateEvery: count.default(1),
  /** k of the nearest neighbours, and how much nearer ones count for more. */
  neighbours: count.default(20),
  neighbourTemperature: temperature.default(0.07),
  /** Shares of a labelled data set that are not learnt from, where it does not say its own splits. */
  validation: numberOption(0.01, 0.8).default(0.1),
  test: numberOption(0.01, 0.8).default(0.2),
  seed: numberOption(0, 0xffffffff, true).default(0),
});

export interface PretrainOptions extends Readonly<Omit<z.output<typeof schema>, "warmup">> {
  readonly warmup: number;
  /** What is said of the crops; the size of the small ones may be left to the model. */
  readonly crops: MultiCropInput;
}

/** As a person gives them: what is left out has its default; numbers may be text. */
export interface PretrainInput extends Readonly<Record<string, unknown>> {
  readonly crops?: MultiCropInput | Readonly<Record<string, unknown>>;
}

/** @throws VitreousError that names each option that is wrong */
export function pretrainOptions({ crops = {}, ...input }: PretrainInput = {}): PretrainOptions {
  const options = checkOptions("pretrain", schema, input);
  const settled = multiCropOptions(crops);
  const { localSize, ...rest } = settled;
  return {
    ...options,
    warmup: Math.min(options.warmup ?? options.epochs / 10, options.epochs),
    temperatureWarmup: Math.min(options.temperatureWarmup, options.epochs),
    freezeLast: Math.min(options.freezeLast, options.epochs),
    crops: "localSize" in crops && crops.localSize !== undefined ? settled : rest,
  };
}
