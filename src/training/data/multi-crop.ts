/**
 * @file Several crops of one picture, two large and some small ones, each changed at random by itself: what a network has
 * to say the same of, to learn without labels.
 *
 * Source: facebookresearch/dino, main_dino.py (DataAugmentationDINO), utils.py (GaussianBlur, Solarization); Caron et al.
 * 2021. The blur is a Gaussian, where Pillow's of the original is three box blurs; crops are resized with the model's
 * own filter, where the original's is always bicubic.
 */
import type { RgbImage } from "../../imaging/image.js";
import type { Preprocessing } from "../../imaging/preprocessing.js";
import { gaussianBlur } from "./blur.js";
import { type Draw, within } from "./draws.js";
import { colourJitter, saturation } from "./jitter.js";
import type { MultiCropOptions } from "./multi-crop-options.js";
import { normaliseInto } from "./normalise.js";
import { randomOrientation } from "./orientation.js";
import { solarize } from "./tones.js";
import { randomView } from "./view.js";

type Dims = readonly [channels: number, height: number, width: number];

/** What the crops of one kind do not share with the others. */
interface Kind {
  readonly size: readonly [number, number];
  readonly scale: readonly [number, number];
  /** Probabilities. */
  readonly blur: number;
  readonly solarize: number;
}

/** Each crop of a picture, the large ones first. */
function kindsOf([, height, width]: Dims, options: MultiCropOptions): readonly Kind[] {
  const { globalScale, localScale, locals, localSize, blur } = options;
  const large = { size: [height, width], scale: globalScale } as const;
  const small: Kind = { size: localSize, scale: localScale, blur: blur.locals, solarize: 0 };
  return [
    { ...large, blur: blur.globals[0], solarize: 0 },
    { ...large, blur: blur.globals[1], solarize: options.solarize },
    ...Array.from({ length: locals }, () => small),
  ];
}

/** Numbers in each of a picture's crops, the large ones first. */
export const cropLengths = (dims: Dims, options: MultiCropOptions): readonly number[] =>
  kindsOf(dims, options).map(({ size: [height, width] }) => dims[0] * height * width);

/** 8-bit RGB: crop and orientation, colour, grey, blur, highlights, in this order. */
function cropOf(
  image: RgbImage,
  p: Preprocessing,
  options: MultiCropOptions,
  { size, scale, blur, solarize: inverted }: Kind,
  next: Draw,
): RgbImage {
  const { ratio, jitter, greyscale } = options;
  const orientation = randomOrientation(options, next);
  const cut = randomView(image, size, p, { crop: { scale, ratio }, orientation }, next);
  const coloured = next() < jitter.probability ? colourJitter(cut, jitter, next) : cut;
  const grey = next() < greyscale ? saturation(coloured, 0) : coloured;
  const sigma = within(next, options.blur.sigma);
  const blurred = next() < blur ? gaussianBlur(grey, sigma) : grey;
  return next() < inverted ? solarize(blurred) : blurred;
}

/**
 * Writes a picture's crops one behind the other, each float32 [channels, height, width]: two of the model's size, then
 * the small ones.
 *
 * @param dims of the large crops
 * @param out of the length that `cropLengths` sum to
 */
export function multiCrop(
  image: RgbImage,
  p: Preprocessing,
  dims: Dims,
  options: MultiCropOptions,
  next: Draw,
  out: Float32Array,
): void {
  const lengths = cropLengths(dims, options);
  let at = 0;
  for (const [i, kind] of kindsOf(dims, options).entries()) {
    const length = lengths[i] ?? 0;
    normaliseInto(out.subarray(at, at + length), cropOf(image, p, options, kind, next), p);
    at += length;
  }
}
