/**
 * @file Gaussian blur of 8-bit pictures, edges mirrored, as torchvision's gaussian_blur of a uint8 tensor with a kernel
 * of 2·⌈3σ⌉ + 1 taps.
 */
import type { RgbImage } from "../../imaging/image.js";

/** Weights of a Gaussian at −radius…radius; they sum to 1. */
function gaussianTaps(sigma: number): Float32Array {
  const radius = Math.ceil(3 * sigma);
  const weights = Array.from({ length: 2 * radius + 1 }, (_, i) =>
    Math.exp(-0.5 * ((i - radius) / sigma) ** 2),
  );
  const total = weights.reduce((a, b) => a + b, 0);
  return Float32Array.from(weights, (w) => w / total);
}

/** d c b | a b c d | c b a: the place that stands for one beyond the edge. */
function mirrored(place: number, length: number): number {
  if (length === 1) return 0;
  const period = 2 * (length - 1);
  const folded = ((place % period) + period) % period;
  return folded < length ? folded : period - folded;
}

/** σ in pixels. */
export function gaussianBlur(image: RgbImage, sigma: number): RgbImage {
  const { data, width, height } = image;
  const taps = gaussianTaps(sigma);
  const radius = (taps.length - 1) / 2;
  const stride = width * 3;
  const row = new Float32Array((width + 2 * radius) * 3);
  const across = new Float32Array(data.length);
  for (let y = 0; y < height; y++) {
    const at = y * stride;
    row.set(data.subarray(at, at + stride), radius * 3);
    for (let x = -radius; x < width + radius; x++) {
      if (x === 0) x = width;
      const from = at + mirrored(x, width) * 3;
      for (let c = 0; c < 3; c++) row[(x + radius) * 3 + c] = data[from + c] as number;
    }
    for (let j = 0; j < taps.length; j++) {
      const w = taps[j] as number;
      const shift = j * 3;
      for (let i = 0; i < stride; i++) {
        across[at + i] = (across[at + i] as number) + w * (row[shift + i] as number);
      }
    }
  }
  const out = new Uint8Array(data.length);
  const sums = new Float32Array(stride);
  for (let y = 0; y < height; y++) {
    sums.fill(0.5);
    for (let j = 0; j < taps.length; j++) {
      const w = taps[j] as number;
      const from = mirrored(y + j - radius, height) * stride;
      for (let i = 0; i < stride; i++) sums[i] = (sums[i] as number) + w * (across[from + i] as number);
    }
    const at = y * stride;
    for (let i = 0; i < stride; i++) out[at + i] = Math.min(255, sums[i] as number);
  }
  return { ...image, data: out };
}
