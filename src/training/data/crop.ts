/**
 * @file Random resized crops: which part of the picture, and that part alone brought to the model's size.
 *
 * Source: torchvision.transforms.RandomResizedCrop.get_params; Szegedy et al. 2015.
 */
import type { Arithmetic, Interpolation } from "../../imaging/filters.js";
import { checkImage, type RgbImage } from "../../imaging/image.js";
import { resample, type Window } from "../../imaging/resample.js";
import { roundHalfEven } from "../../imaging/round.js";
import { below, type Draw, within } from "./draws.js";

const ATTEMPTS = 10;

/**
 * A crop whose share of the area is uniform in `scale` and whose width over height is log-uniform in `ratio`; where ten
 * attempts do not fit, the largest central crop whose ratio is within the range.
 */
export function randomCrop(
  { width, height }: { readonly width: number; readonly height: number },
  options: { readonly scale: readonly [number, number]; readonly ratio: readonly [number, number] },
  next: Draw,
): Window {
  const [low, high] = options.ratio;
  for (let i = 0; i < ATTEMPTS; i++) {
    const area = width * height * within(next, options.scale);
    const ratio = Math.exp(within(next, [Math.log(low), Math.log(high)]));
    const w = roundHalfEven(Math.sqrt(area * ratio));
    const h = roundHalfEven(Math.sqrt(area / ratio));
    if (w > 0 && w <= width && h > 0 && h <= height) {
      const top = below(next, height - h + 1);
      return { left: below(next, width - w + 1), top, width: w, height: h };
    }
  }
  const ratio = width / height;
  const w = ratio > high ? Math.max(1, roundHalfEven(height * high)) : width;
  const h = ratio < low ? Math.max(1, roundHalfEven(width / low)) : height;
  return { left: Math.floor((width - w) / 2), top: Math.floor((height - h) / 2), width: w, height: h };
}

/** A part of a picture, copied. */
export function cut(image: RgbImage, { left, top, width, height }: Window): RgbImage {
  checkImage(image);
  if (width === image.width && height === image.height) return image;
  const data = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++) {
    const at = ((top + y) * image.width + left) * 3;
    data.set(image.data.subarray(at, at + width * 3), y * width * 3);
  }
  return { data, width, height };
}

/** Pillow's `image.crop(window).resize((width, height))`: nothing outside of the window shows in the result. */
export function resizedCrop(
  image: RgbImage,
  window: Window,
  [height, width]: readonly [number, number],
  interpolation: Interpolation,
  arithmetic: Arithmetic = "pillow",
): RgbImage {
  return resample(cut(image, window), width, height, interpolation, undefined, arithmetic);
}
