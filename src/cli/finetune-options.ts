/** @file The flags of `vitreous finetune` as checked options. */
import { NO_AUGMENTATION } from "../training/data/options.js";
import { type FinetuneOptions, finetuneOptions } from "../training/run/options.js";
import type { Flags } from "./finetune-flags.js";
import { type FlagNames, flagOf, readAugmentation, refuseArch, stated, withFlags } from "./flag-words.js";
import { UsageError } from "./usage.js";

// Labels are smoothed whatever becomes of the pictures.
const { labelSmoothing: _, ...AS_THEY_ARE } = NO_AUGMENTATION;

/** --augment's own words. */
const AUGMENTATIONS: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  none: AS_THEY_ARE,
  light: {
    crop: { scale: [0.8, 1], ratio: [0.9, 1.1] },
    jitter: { brightness: 0, contrast: 0, saturation: 0, hue: 0 },
    blur: { probability: 0 },
  },
  full: { randAugment: {} },
};

/** Flags that say how to learn from a teacher. */
const OF_TEACHERS = ["distill", "distillToken", "distillShare", "temperature"] as const;

const FLAGS: FlagNames = {
  learningRate: "--lr",
  validation: "--val",
  distillation: "--distill",
  distillationToken: "--distill-token",
  distillationShare: "--distill-share",
  mixUp: "--mixup",
  cutMix: "--cutmix",
};

/** @throws UsageError for flags that go with others, and naming each that is wrong */
export async function readOptions(options: Flags): Promise<FinetuneOptions> {
  const { augment, labelSmoothing, mixup, cutmix } = options;
  const augmentation = {
    ...(await readAugmentation(augment, AUGMENTATIONS)),
    ...stated({ labelSmoothing, mixUp: mixup, cutMix: cutmix }),
  };
  if (options.teacher === undefined) {
    const alone = OF_TEACHERS.find((flag) => options[flag] !== undefined);
    if (alone !== undefined) throw new UsageError(`${flagOf(alone, FLAGS)} needs a --teacher to learn from`);
  }
  refuseArch(options);
  const given = {
    scratch: options.scratch,
    distillation: options.distill,
    distillationToken: options.distillToken,
    distillationShare: options.distillShare,
    temperature: options.temperature,
    epochs: options.epochs,
    batch: options.batch,
    accumulate: options.accumulate,
    learningRate: options.lr,
    weightDecay: options.weightDecay,
    layerDecay: options.layerDecay,
    warmup: options.warmup,
    schedule: options.schedule,
    clip: options.clip,
    ema: options.ema,
    dropPath: options.dropPath,
    dropout: options.dropout,
    freeze: options.freeze,
    imageSizes: options.imageSizes,
    depth: options.depth,
    precision: options.precision,
    classWeights: options.classWeights,
    balanced: options.balanced,
    patience: options.patience,
    validation: options.val,
    test: options.test,
    seed: options.seed,
  };
  return withFlags(FLAGS, () => finetuneOptions({ ...stated(given), augmentation }));
}
