/**
 * @file MixUp and CutMix: two images of a batch made into one, and their targets in the same shares.
 *
 * Source: Zhang et al. 2018; Yun et al. 2019; torchvision.transforms.v2.MixUp and CutMix, with a permutation in place
 * of the shift by one.
 */
import { shuffle } from "../../random.js";
import { below, type Draw, symmetricBeta } from "./draws.js";
import type { AugmentationOptions } from "./options.js";

/** A batch being made: the first `size` images are mixed, padding behind them is left alone. */
export interface Mixable {
  /** [batch, channels, height, width] */
  readonly pixels: Float32Array;
  /** [batch, classes] */
  readonly targets: Float32Array;
  readonly size: number;
  readonly dims: readonly [channels: number, height: number, width: number];
  readonly classes: number;
}

/** Rows of `values` become share·row + (1 − share)·partner's row. */
function average(values: Float32Array, length: number, partners: Int32Array, share: number): void {
  const before = values.slice(0, partners.length * length);
  partners.forEach((partner, i) => {
    if (partner === i) return;
    for (let j = 0; j < length; j++) {
      values[i * length + j] =
        share * (before[i * length + j] as number) + (1 - share) * (before[partner * length + j] as number);
    }
  });
}

/** Rectangle of about (1 − share) of the area about a random place, cut off at the border; exclusive ends. */
function rectangle(height: number, width: number, share: number, next: Draw) {
  const x = below(next, width);
  const y = below(next, height);
  const half = 0.5 * Math.sqrt(1 - share);
  return {
    x0: Math.max(0, Math.trunc(x - half * width)),
    y0: Math.max(0, Math.trunc(y - half * height)),
    x1: Math.min(width, Math.trunc(x + half * width)),
    y1: Math.min(height, Math.trunc(y + half * height)),
  };
}

function cutMix(batch: Mixable, partners: Int32Array, alpha: number, next: Draw): void {
  const [channels, height, width] = batch.dims;
  const { x0, y0, x1, y1 } = rectangle(height, width, symmetricBeta(next, alpha), next);
  const area = height * width;
  const before = batch.pixels.slice(0, partners.length * channels * area);
  partners.forEach((partner, i) => {
    for (let c = 0; c < channels; c++) {
      for (let y = y0; y < y1; y++) {
        const from = (partner * channels + c) * area + y * width;
        batch.pixels.set(before.subarray(from + x0, from + x1), (i * channels + c) * area + y * width + x0);
      }
    }
  });
  // The share that is really left, since the rectangle may have lost a part at the border.
  average(batch.targets, batch.classes, partners, 1 - ((x1 - x0) * (y1 - y0)) / area);
}

/** Mixes a batch in place, or leaves it, as the options and the draws say. */
export function mixBatch(
  batch: Mixable,
  options: Pick<AugmentationOptions, "mixUp" | "cutMix" | "mixProbability">,
  next: Draw,
): void {
  const { mixUp, cutMix: cutAlpha } = options;
  if ((mixUp === 0 && cutAlpha === 0) || batch.size < 2 || next() >= options.mixProbability) return;
  const cuts = mixUp === 0 || (cutAlpha > 0 && next() < 0.5);
  const partners = Int32Array.from({ length: batch.size }, (_, i) => i);
  shuffle(partners, 0, partners.length, next);
  if (cuts) {
    cutMix(batch, partners, cutAlpha, next);
    return;
  }
  const [channels, height, width] = batch.dims;
  const share = symmetricBeta(next, mixUp);
  average(batch.pixels, channels * height * width, partners, share);
  average(batch.targets, batch.classes, partners, share);
}
