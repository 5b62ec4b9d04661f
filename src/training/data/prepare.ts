/**
 * @file One image from its decoded pixels to the model's numbers, for training or for evaluation: all that a worker does
 * after decoding.
 */
import { checkImage, type RgbImage } from "../../imaging/image.js";
import { displayImage, preprocess } from "../../imaging/preprocess.js";
import { outputSize, type Preprocessing } from "../../imaging/preprocessing.js";
import { VitreousError } from "../../onnx/errors.js";
import { gaussianBlur } from "./blur.js";
import { randomCrop, resizedCrop } from "./crop.js";
import { type Draw, drawsFor, within } from "./draws.js";
import { randomErasing } from "./erase.js";
import { colourJitter, luma } from "./jitter.js";
import type { AugmentationOptions } from "./options.js";
import { orient, randomOrientation } from "./orientation.js";
import { randAugment } from "./policy.js";

/** What is to become of an image: evaluation's preparation alone, or a random one that belongs to a place of an epoch. */
export interface Preparation {
  readonly preprocessing: Preprocessing;
  readonly augment?: {
    readonly options: AugmentationOptions;
    readonly seed: number;
    readonly epoch: number;
    /** Which image of the epoch's order. */
    readonly place: number;
  };
}

/** [channels, height, width] of every image prepared so. @throws VitreousError where that depends on the image. */
export function preparedDims(p: Preprocessing): readonly [number, number, number] {
  const size = outputSize(p);
  if (!size) {
    throw new VitreousError(
      `${p.source} gives every image a size of its own; training needs one size: state a crop or an exact size.`,
    );
  }
  if (p.channels !== 1 && p.channels !== 3) {
    throw new VitreousError(`${p.source} prepares images of ${p.channels} channels; pictures have 1 or 3.`);
  }
  return [p.channels, ...size];
}

/** A random crop, or the cut of evaluation, in a random orientation, at the model's size. */
function laidOut(image: RgbImage, p: Preprocessing, options: AugmentationOptions, next: Draw): RgbImage {
  const [, height, width] = preparedDims(p);
  const orientation = randomOrientation(options, next);
  if (!options.crop) return displayImage(orient(image, orientation), p);
  // A quarter turn exchanges the sides.
  const size = orientation.turns % 2 === 1 ? ([width, height] as const) : ([height, width] as const);
  const kind = p.resize?.interpolation ?? "bilinear";
  const arithmetic = p.resizeOn === "torch-pixels" ? "torch" : "pillow";
  const window = randomCrop(image, options.crop, next);
  return orient(resizedCrop(image, window, size, kind, arithmetic), orientation);
}

/**
 * 8-bit RGB at the model's size: crop and orientation, policy, colour, blur, in this order. The crop is resized with the
 * model's own filter, in 8 bits even where the model's preprocessing resizes real numbers.
 */
export function augmentImage(
  image: RgbImage,
  p: Preprocessing,
  options: AugmentationOptions,
  next: Draw,
): RgbImage {
  const cut = laidOut(image, p, options, next);
  const varied = options.randAugment ? randAugment(cut, options.randAugment, next) : cut;
  const coloured = colourJitter(varied, options.jitter, next);
  const blurred = next() < options.blur.probability;
  const sigma = within(next, options.blur.sigma);
  return blurred ? gaussianBlur(coloured, sigma) : coloured;
}

/** Writes (v·rescale − mean) / std as float32 [channels, height, width]; grey is Pillow's convert("L"). */
export function normaliseInto(out: Float32Array, { data }: RgbImage, p: Preprocessing): void {
  const tables = p.mean.map((mean, c) =>
    Float32Array.from({ length: 256 }, (_, v) => (v * p.rescale - mean) / (p.std[c] as number)),
  );
  const area = data.length / 3;
  const [r, g = r, b = r] = tables;
  if (!r || !g || !b) return;
  if (p.channels === 1) {
    for (let i = 0, s = 0; i < area; i++, s += 3) {
      out[i] = r[luma(data[s] as number, data[s + 1] as number, data[s + 2] as number)] as number;
    }
    return;
  }
  for (let i = 0, s = 0; i < area; i++, s += 3) {
    out[i] = r[data[s] as number] as number;
    out[area + i] = g[data[s + 1] as number] as number;
    out[2 * area + i] = b[data[s + 2] as number] as number;
  }
}

/**
 * The model's input of one image.
 *
 * @param out An array to write to; another one is made where it is absent or of another length.
 * @returns float32 [channels, height, width].
 */
export function prepareImage(image: RgbImage, preparation: Preparation, out?: Float32Array): Float32Array {
  checkImage(image);
  const { preprocessing: p, augment } = preparation;
  const [channels, height, width] = preparedDims(p);
  const length = channels * height * width;
  const pixels = out?.length === length ? out : new Float32Array(length);
  if (!augment) {
    if (p.resizeOn === "rescaled") pixels.set(preprocess(image, p).data);
    else normaliseInto(pixels, displayImage(image, p), p);
    return pixels;
  }
  const next = drawsFor("image", augment.seed, augment.epoch, augment.place);
  normaliseInto(pixels, augmentImage(image, p, augment.options, next), p);
  randomErasing(pixels, [height, width], augment.options.erasing, next);
  return pixels;
}
