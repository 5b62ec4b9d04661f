/**
 * @file One image from its decoded pixels to the model's numbers, for training or for evaluation: all that a worker does
 * after decoding.
 */
import { checkImage, type RgbImage } from "../../imaging/image.js";
import { displayImage, preprocess } from "../../imaging/preprocess.js";
import { outputSize, type Preprocessing } from "../../imaging/preprocessing.js";
import { VitreousError } from "../../onnx/errors.js";
import { gaussianBlur } from "./blur.js";
import { type Draw, drawsFor, within } from "./draws.js";
import { randomErasing } from "./erase.js";
import { colourJitter } from "./jitter.js";
import { cropLengths, multiCrop } from "./multi-crop.js";
import type { MultiCropOptions } from "./multi-crop-options.js";
import { normaliseInto } from "./normalise.js";
import type { AugmentationOptions } from "./options.js";
import { orient, randomOrientation } from "./orientation.js";
import { randAugment } from "./policy.js";
import { randomView } from "./view.js";

/** Random changes that belong to a place of an epoch. */
interface Random<Options> {
  readonly options: Options;
  readonly seed: number;
  readonly epoch: number;
  /** Which image of the epoch's order. */
  readonly place: number;
}

/** What is to become of an image: evaluation's preparation alone, or a random one. */
export interface Preparation {
  readonly preprocessing: Preprocessing;
  readonly augment?: Random<AugmentationOptions>;
  /** Several crops in the place of one. */
  readonly crops?: Random<MultiCropOptions>;
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
  return randomView(image, [height, width], p, { crop: options.crop, orientation }, next);
}

/**
 * 8-bit RGB at the model's size: crop and orientation, policy, colour, blur, in this order.
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

/**
 * The model's input of one image.
 *
 * @param out An array to write to; another one is made where it is absent or of another length.
 * @returns float32 [channels, height, width]; of several crops, theirs one behind the other.
 */
export function prepareImage(image: RgbImage, preparation: Preparation, out?: Float32Array): Float32Array {
  checkImage(image);
  const { preprocessing: p, augment, crops } = preparation;
  const dims = preparedDims(p);
  const [channels, height, width] = dims;
  const lengths = crops ? cropLengths(dims, crops.options) : [channels * height * width];
  const length = lengths.reduce((a, b) => a + b, 0);
  const pixels = out?.length === length ? out : new Float32Array(length);
  if (crops) {
    const next = drawsFor("crops", crops.seed, crops.epoch, crops.place);
    multiCrop(image, p, dims, crops.options, next, pixels);
    return pixels;
  }
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
