/**
 * @file How crops are made, as one checked record that is kept with the results. The defaults are DINO's for
 * photographs; what of them no scanner and no stain does (greys, inverted highlights, strong colours) can be left out.
 */
import { z } from "zod";
import { numberOption, switchOption } from "../../spec.js";
import { probability, range, settled } from "./options.js";

/** Sides of pictures and crops, pixels. */
const side = numberOption(1, 16_384, true);

const schema = z.strictObject({
  /** The two large crops: share of the picture's area. */
  globalScale: range(0.01, 1).default([0.4, 1]),
  /** The small crops. */
  localScale: range(0.01, 1).default([0.05, 0.4]),
  /** How many small crops there are; 0: none. */
  locals: numberOption(0, 64, true).default(8),
  /** [height, width] of the small crops in pixels. */
  localSize: z.tuple([side, side]).default([96, 96]),
  /** Width over height of every crop. */
  ratio: range(0.1, 10).default([3 / 4, 4 / 3]),
  /** Probability of exchanging left and right. */
  horizontalFlip: probability.default(0.5),
  /** Probability of exchanging up and down. */
  verticalFlip: probability.default(0),
  /** Turned by 0, 90, 180 or 270 degrees with equal probability. */
  rightAngles: switchOption.default(false),
  /** Greatest relative change of each, hue in turns, and with what probability there is any. */
  jitter: z
    .strictObject({
      probability: probability.default(0.8),
      brightness: probability.default(0.4),
      contrast: probability.default(0.4),
      saturation: probability.default(0.2),
      hue: numberOption(0, 0.5).default(0.1),
    })
    .prefault({}),
  /** Probability of losing all colour. */
  greyscale: probability.default(0.2),
  /** Gaussian blur: its probability in the first and the second large crop and in small ones, and the range of its σ in pixels. */
  blur: z
    .strictObject({
      globals: z.tuple([probability, probability]).default([1, 0.1]),
      locals: probability.default(0.5),
      sigma: range(0.05, 5).default([0.1, 2]),
    })
    .prefault({}),
  /** Probability that the second large crop's highlights are inverted. */
  solarize: probability.default(0.2),
});

/** Everything settled: what training.json records. */
export type MultiCropOptions = Readonly<z.output<typeof schema>>;

/** As a person gives them: what is left out has its default. */
export type MultiCropInput = z.input<typeof schema>;

/** @throws VitreousError that names the option. */
export const multiCropOptions = (
  input: MultiCropInput | Readonly<Record<string, unknown>> = {},
): MultiCropOptions => settled(schema, input);
