/** @file The flags of `vitreous finetune` as checked options, and messages about options in the words of the flags. */
import { readText } from "../api/node/text.js";
import { VitreousError } from "../onnx/errors.js";
import { NO_AUGMENTATION } from "../training/data/options.js";
import { type FinetuneOptions, finetuneOptions } from "../training/run/options.js";
import type { Flags } from "./finetune-flags.js";
import { UsageError, usage } from "./usage.js";

/** --augment's own words. */
const AUGMENTATIONS: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  none: NO_AUGMENTATION,
  light: {
    crop: { scale: [0.8, 1], ratio: [0.9, 1.1] },
    jitter: { brightness: 0, contrast: 0, saturation: 0, hue: 0 },
    blur: { probability: 0 },
  },
  full: { randAugment: {} },
};

export async function readOptions(options: Flags): Promise<FinetuneOptions> {
  const { augment, labelSmoothing = 0.05, mixup, cutmix } = options;
  const named = Object.hasOwn(AUGMENTATIONS, augment) ? AUGMENTATIONS[augment] : undefined;
  const augmentation = {
    ...(named ?? (await readAugmentation(augment))),
    ...(options.labelSmoothing === undefined && named === undefined ? {} : { labelSmoothing }),
    ...(mixup === undefined ? {} : { mixUp: mixup }),
    ...(cutmix === undefined ? {} : { cutMix: cutmix }),
  };
  if (options.distill !== undefined && options.teacher === undefined)
    throw new UsageError("--distill needs a --teacher to learn from");
  const given = {
    distillation: options.distill,
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
    freeze: options.freeze,
    depth: options.depth,
    precision: options.precision,
    classWeights: options.classWeights,
    balanced: options.balanced,
    patience: options.patience,
    validation: options.val,
    test: options.test,
    seed: options.seed,
  };
  const stated = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  return usage(() => {
    try {
      return finetuneOptions({ ...stated, augmentation });
    } catch (error) {
      if (!(error instanceof VitreousError)) throw error;
      throw new VitreousError(inFlags(error.message), { cause: error });
    }
  });
}

/** Options whose flag is no other spelling of their name. */
const FLAGS: Readonly<Record<string, string>> = {
  learningRate: "--lr",
  validation: "--val",
  distillation: "--distill",
  mixUp: "--mixup",
  cutMix: "--cutmix",
};

/** A message about options with their flags: "learningRate: must be …" as "--lr: must be …". */
const inFlags = (message: string): string =>
  message
    .replace(/^finetune: /, "")
    .replaceAll(
      /(?<=^|; |option )([a-zA-Z]+)(?=:| is)/g,
      (name) => FLAGS[name] ?? `--${name.replaceAll(/[A-Z]/g, (c) => `-${c.toLowerCase()}`)}`,
    );

async function readAugmentation(path: string): Promise<Readonly<Record<string, unknown>>> {
  if (!path.endsWith(".json"))
    throw new UsageError(`--augment takes none, light, full or a .json file, not "${path}"`);
  const { text } = await readText(path);
  try {
    const json: unknown = JSON.parse(text);
    if (typeof json === "object" && json !== null && !Array.isArray(json)) return { ...json };
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  throw new VitreousError(`${path} is no JSON object of augmentation options`);
}
