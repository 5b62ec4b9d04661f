/**
 * @file RISE's blur, the start of its Insertion game: an 11×11 kernel that is scipy's gaussian_filter (σ = 5) of a
 * single 1, so that the border's reflection makes it nearly a box. Another blur is another metric.
 *
 * Source: Petsiuk, Das, Saenko, "RISE" (BMVC 2018) and its evaluation.py; scipy.ndimage.gaussian_filter.
 */
import { VitreousError } from "../onnx/errors.js";

const LENGTH = 11;
const SIGMA = 5;
const MARGIN = (LENGTH - 1) / 2;
/** scipy cuts its Gaussian at four standard deviations. */
const RADIUS = Math.trunc(4 * SIGMA + 0.5);

/** scipy's mode="reflect": d c b a | a b c d | d c b a. */
function reflect(index: number): number {
  const period = 2 * LENGTH;
  const folded = ((index % period) + period) % period;
  return folded < LENGTH ? folded : period - 1 - folded;
}

/** The eleven taps of the separable kernel; they sum to 1. */
export function riseTaps(): Float64Array {
  const weights = Array.from({ length: 2 * RADIUS + 1 }, (_, i) =>
    Math.exp(-0.5 * ((i - RADIUS) / SIGMA) ** 2),
  );
  const total = weights.reduce((a, b) => a + b, 0);
  const taps = new Float64Array(LENGTH);
  for (let i = 0; i < LENGTH; i++) {
    weights.forEach((w, j) => {
      if (reflect(i + j - RADIUS) === MARGIN) taps[i] = (taps[i] as number) + w / total;
    });
  }
  return taps;
}

/** float32 [channels, height, width]. */
export interface Tensor {
  readonly data: Float32Array;
  readonly channels: number;
  readonly height: number;
  readonly width: number;
}

/**
 * Blurs each channel of an image with zeros beyond the border (torch's conv2d, padding 5). Sums are made in double
 * precision.
 *
 * @returns float32 [channels, height, width].
 */
export function riseBlur({ data, channels, height, width }: Tensor): Float32Array {
  if (data.length !== channels * height * width) {
    throw new VitreousError(
      `An image of ${channels}×${height}×${width} needs ${channels * height * width} values, but ${data.length} were given.`,
    );
  }
  const taps = riseTaps();
  const out = new Float32Array(data.length);
  const across = new Float64Array(height * width);
  for (let c = 0; c < channels; c++) {
    const plane = c * height * width;
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        let sum = 0;
        const end = Math.min(width, x + MARGIN + 1);
        for (let i = Math.max(0, x - MARGIN); i < end; i++) {
          sum += (taps[i - x + MARGIN] as number) * (data[plane + y * width + i] as number);
        }
        across[y * width + x] = sum;
      }
    }
    for (let y = 0; y < height; y++) {
      const end = Math.min(height, y + MARGIN + 1);
      for (let x = 0; x < width; x++) {
        let sum = 0;
        for (let i = Math.max(0, y - MARGIN); i < end; i++) {
          sum += (taps[i - y + MARGIN] as number) * (across[i * width + x] as number);
        }
        out[plane + y * width + x] = sum;
      }
    }
  }
  return out;
}
