/**
 * @file Everything that can be chosen about a fine-tuning, checked, with its defaults: one record that the command line
 * fills, that training.json keeps, and that a resumed run is compared by.
 */
import { z } from "zod";
import { checkOptions, numberOption, switchOption } from "../../spec.js";
import { type AugmentationInput, type AugmentationOptions, augmentationOptions } from "../data/options.js";

const FREEZE = /^(none|head|blocks:\d{1,3})$/;

const side = z.int().min(1).max(8192);

/** "160x160,192x192", or pairs of height and width. */
const sizesOption = z.preprocess(
  (given) =>
    typeof given === "string" && /^\d+x\d+(,\d+x\d+)*$/.test(given)
      ? given.split(",").map((size) => size.split("x").map(Number))
      : given,
  z.array(z.tuple([side, side]), { error: "must be heights and widths, as in 160x160,192x192" }),
);

const schema = z.strictObject({
  /** Only the model's architecture is taken: weights are drawn by the seed. */
  scratch: switchOption.default(false),
  epochs: numberOption(1, 100_000, true).default(10),
  /** Images whose gradients are computed at once. */
  batch: numberOption(1, 4096, true).default(32),
  /** Batches to a step. */
  accumulate: numberOption(1, 1024, true).default(1),
  /** AdamW's, at the end of the warm-up, for the head. */
  learningRate: numberOption(1e-9, 10).default(1e-4),
  weightDecay: numberOption(0, 10).default(0.05),
  /** The learning rate of a block over that of the one behind it; 1: the same for all. */
  layerDecay: numberOption(0.01, 1).default(1),
  /** Epochs in which the learning rate rises from 0. */
  warmup: numberOption(0, 100_000).default(0.5),
  schedule: z
    .enum(["cosine", "linear", "constant"], { error: "must be cosine, linear or constant" })
    .default("cosine"),
  /** Greatest global norm of a step's gradient; 0: any. */
  clip: numberOption(0, 1e9).default(1),
  /** Decay of the weights' moving average, which is then validated and kept; 0: the weights themselves. */
  ema: numberOption(0, 0.999999).default(0),
  dropPath: numberOption(0, 0.9).default(0),
  /** Probability that an element of the embeddings, or of what a branch adds, is zeroed. */
  dropout: numberOption(0, 0.9).default(0),
  /** "none"; "head": only the head is trained (a linear probe); "blocks:K": only the last K blocks and the head. */
  freeze: z.string().regex(FREEZE, { error: "must be none, head or blocks:K" }).default("none"),
  /** [height, width] that training batches have, one of them each by chance; none: the model's own. */
  imageSizes: sizesOption.default([]),
  /** Only the model's first so many blocks are taken; 0, where nothing is given: all. */
  depth: numberOption(1, 1000, true).default(0),
  /** Of the saved weights, and of those that are scored in the end. */
  precision: z.enum(["float32", "float16"], { error: "must be float32 or float16" }).default("float32"),
  /** How a teacher's logits are learnt from, where there is one. */
  distillation: z.enum(["hard", "soft"], { error: "must be hard or soft" }).default("hard"),
  /** Whether the student gets a distillation token, with a head of its own for the teacher: "auto" where it can. */
  distillationToken: z.enum(["auto", "yes", "no"], { error: "must be auto, yes or no" }).default("auto"),
  /** Share of the loss that the teacher's part has. */
  distillationShare: numberOption(0, 1).default(0.5),
  /** Of soft distillation. */
  temperature: numberOption(0.01, 1000).default(3),
  /** Images count by how rare their class is. */
  classWeights: switchOption.default(false),
  /** Each class is drawn equally often. */
  balanced: switchOption.default(false),
  /** Epochs without a better one after which training ends; 0: all epochs are done. */
  patience: numberOption(0, 100_000, true).default(0),
  /** Shares of the data set, where it does not say its own splits. */
  validation: numberOption(0.01, 0.8).default(0.1),
  test: numberOption(0.01, 0.8).default(0.2),
  seed: numberOption(0, 0xffffffff, true).default(0),
});

export interface FinetuneOptions extends Readonly<z.output<typeof schema>> {
  readonly augmentation: AugmentationOptions;
}

/** As a person gives them: what is left out has its default; numbers may be text. */
export interface FinetuneInput extends Readonly<Record<string, unknown>> {
  readonly augmentation?: AugmentationInput | Readonly<Record<string, unknown>>;
}

/** @throws VitreousError that names each option that is wrong */
export function finetuneOptions({ augmentation = {}, ...input }: FinetuneInput = {}): FinetuneOptions {
  return { ...checkOptions("finetune", schema, input), augmentation: augmentationOptions(augmentation) };
}
