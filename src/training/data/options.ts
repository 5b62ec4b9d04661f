/**
 * @file What is done to training images at random, as one checked record that is kept with the results. The defaults
 * are for medical images: what a scanner, a stain or a hand may change, and nothing that moves the finding out of the
 * picture. Whether up and down may be exchanged depends on the modality, so that is off until asked for (right for
 * microscopy, wrong for ultrasound, whose shadows fall downwards).
 */
import { z } from "zod";
import { VitreousError } from "../../onnx/errors.js";
import { numberOption, switchOption } from "../../spec.js";

export const probability = numberOption(0, 1);

/** [from, to] with from ≤ to, both in [min, max]. */
export const range = (min: number, max: number) =>
  z.tuple([numberOption(min, max), numberOption(min, max)]).refine(([a, b]) => a <= b, {
    error: "must be [from, to] with from at most to",
  });

export const POLICY_OPERATIONS = [
  "identity",
  "shear-x",
  "shear-y",
  "translate-x",
  "translate-y",
  "rotate",
  "brightness",
  "saturation",
  "contrast",
  "sharpness",
  "posterize",
  "autocontrast",
  "equalize",
] as const;
export type PolicyOperation = (typeof POLICY_OPERATIONS)[number];

const schema = z.strictObject({
  /**
   * Random resized crop: the crop's share of the picture's area and its width over height, as torchvision's
   * RandomResizedCrop. null: every image is cut as for evaluation.
   */
  crop: z
    .strictObject({
      scale: range(0.01, 1).default([0.6, 1]),
      ratio: range(0.1, 10).default([0.8, 1.25]),
    })
    .nullable()
    .prefault({}),
  /** Probability of exchanging left and right. */
  horizontalFlip: probability.default(0.5),
  /** Probability of exchanging up and down. */
  verticalFlip: probability.default(0),
  /** Turned by 0, 90, 180 or 270 degrees with equal probability. */
  rightAngles: switchOption.default(false),
  /** RandAugment (Cubuk et al. 2020): `operations` drawn and applied one after the other; null: none. */
  randAugment: z
    .strictObject({
      operations: numberOption(1, 10, true).default(2),
      /** 0 to 30, as torchvision's 31 bins. */
      magnitude: numberOption(0, 30, true).default(9),
      among: z
        .array(z.enum(POLICY_OPERATIONS))
        .min(1)
        .default([...POLICY_OPERATIONS]),
    })
    .nullable()
    .default(null),
  /** Greatest relative change of each, hue in turns (at most 0.5), as torchvision's ColorJitter. */
  jitter: z
    .strictObject({
      brightness: probability.default(0.2),
      contrast: probability.default(0.2),
      saturation: probability.default(0.1),
      hue: numberOption(0, 0.5).default(0.02),
    })
    .prefault({}),
  /** Gaussian blur: with what probability, and the range of its σ in pixels of the model's image. */
  blur: z
    .strictObject({ probability: probability.default(0.1), sigma: range(0.05, 5).default([0.1, 1]) })
    .prefault({}),
  /** Random erasing (Zhong et al. 2020): a rectangle set to the mean, by share of the area and width over height. */
  erasing: z
    .strictObject({
      probability: probability.default(0),
      scale: range(0.001, 1).default([0.02, 0.2]),
      ratio: range(0.1, 10).default([0.3, 3.3]),
    })
    .prefault({}),
  /** α of MixUp's Beta(α, α) (Zhang et al. 2018); 0: no MixUp. */
  mixUp: numberOption(0, 100).default(0),
  /** α of CutMix's Beta(α, α) (Yun et al. 2019); 0: no CutMix. With both, one is drawn for each batch. */
  cutMix: numberOption(0, 100).default(0),
  /** Probability that a batch is mixed, where MixUp or CutMix is on. */
  mixProbability: probability.default(1),
  /** Share of each target that is spread evenly over all classes. */
  labelSmoothing: numberOption(0, 0.99).default(0.05),
});

/** Everything settled: what training.json records. */
export type AugmentationOptions = Readonly<z.output<typeof schema>>;

/** As a person gives them: what is left out has its default. */
export type AugmentationInput = z.input<typeof schema>;

/** @throws VitreousError that names the option. */
export function augmentationOptions(
  input: AugmentationInput | Readonly<Record<string, unknown>> = {},
): AugmentationOptions {
  return settled(schema, input);
}

/** What is given, checked, with its defaults. @throws VitreousError that names the option. */
export function settled<S extends z.ZodObject>(options: S, input: unknown): z.output<S> {
  const result = options.safeParse(input);
  if (result.success) return result.data;
  const first = result.error.issues[0];
  const unknown = first?.code === "unrecognized_keys" ? ` ${first.keys.join(", ")}` : "";
  const where = first && first.path.length > 0 ? `${first.path.join(".")} ` : "";
  throw new VitreousError(
    `The augmentation's option ${where}is wrong: ${unknown === "" ? (first?.message ?? "") : `there is none called${unknown}`}.`,
  );
}

/** No change at all: what evaluation and controls use. */
export const NO_AUGMENTATION: AugmentationOptions = augmentationOptions({
  crop: null,
  horizontalFlip: 0,
  jitter: { brightness: 0, contrast: 0, saturation: 0, hue: 0 },
  blur: { probability: 0 },
  labelSmoothing: 0,
});
