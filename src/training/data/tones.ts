/**
 * @file Operations of RandAugment and DINO on tones and edges, as Pillow's ImageOps and ImageEnhance.Sharpness have them: each
 * the same at every pixel of the picture, none moving it.
 *
 * Source: Pillow, ImageOps.py, ImageEnhance.py, src/libImaging/Filter.c.
 */
import type { RgbImage } from "../../imaging/image.js";
import { blend, lookUp } from "./jitter.js";

function histograms({ data }: RgbImage): readonly [Int32Array, Int32Array, Int32Array] {
  const counts = [new Int32Array(256), new Int32Array(256), new Int32Array(256)] as const;
  const [r, g, b] = counts;
  for (let i = 0; i < data.length; i += 3) {
    const [x, y, z] = [data[i] as number, data[i + 1] as number, data[i + 2] as number];
    r[x] = (r[x] as number) + 1;
    g[y] = (g[y] as number) + 1;
    b[z] = (b[z] as number) + 1;
  }
  return counts;
}

const clamp = (x: number): number => (x < 0 ? 0 : x > 255 ? 255 : x);

/** A channel's darkest sample becomes 0 and its brightest 255. */
function stretch(counts: Int32Array): Uint8Array {
  const low = counts.findIndex((n) => n > 0);
  const high = counts.findLastIndex((n) => n > 0);
  if (high <= low) return Uint8Array.from({ length: 256 }, (_, v) => v);
  const scale = 255 / (high - low);
  const offset = -low * scale;
  return Uint8Array.from({ length: 256 }, (_, v) => clamp(Math.trunc(v * scale + offset)));
}

/** A channel's samples spread so that each range of values is about equally frequent. */
function flatten(counts: Int32Array): Uint8Array {
  const used = counts.filter((n) => n > 0);
  const total = used.reduce((a, b) => a + b, 0);
  const step = used.length <= 1 ? 0 : Math.floor((total - (used.at(-1) ?? 0)) / 255);
  if (step === 0) return Uint8Array.from({ length: 256 }, (_, v) => v);
  let sum = Math.floor(step / 2);
  return Uint8Array.from({ length: 256 }, (_, v) => {
    const value = Math.floor(sum / step);
    sum += counts[v] as number;
    return clamp(value);
  });
}

const byChannel = (image: RgbImage, table: (counts: Int32Array) => Uint8Array): RgbImage => {
  const [r, g, b] = histograms(image);
  return lookUp(image, [table(r), table(g), table(b)]);
};

export const autocontrast = (image: RgbImage): RgbImage => byChannel(image, stretch);

export const equalize = (image: RgbImage): RgbImage => byChannel(image, flatten);

/** Keeps the `bits` highest bits of every sample. */
export function posterize(image: RgbImage, bits: number): RgbImage {
  const kept = 256 - 2 ** (8 - bits);
  const table = Uint8Array.from({ length: 256 }, (_, v) => v & kept);
  return lookUp(image, [table, table, table]);
}

/** Samples from 128 on are inverted. */
export function solarize(image: RgbImage): RgbImage {
  const table = Uint8Array.from({ length: 256 }, (_, v) => (v < 128 ? v : 255 - v));
  return lookUp(image, [table, table, table]);
}

/** Pillow's SMOOTH filter: the centre counts five times its eight neighbours; the border stays. */
function smooth({ data, width, height }: RgbImage): Uint8Array {
  const out = data.slice();
  const stride = width * 3;
  for (let y = 1; y < height - 1; y++) {
    for (let i = y * stride + 3; i < (y + 1) * stride - 3; i++) {
      let sum = 4 * (data[i] as number);
      for (let row = i - stride; row <= i + stride; row += stride) {
        sum += (data[row - 3] as number) + (data[row] as number) + (data[row + 3] as number);
      }
      out[i] = Math.floor(sum / 13 + 0.5);
    }
  }
  return out;
}

/** 0: smoothed; 1: unchanged; above: sharpened. */
export function sharpness(image: RgbImage, factor: number): RgbImage {
  const { data } = image;
  const from = smooth(image);
  return { ...image, data: from.map((v, i) => blend(v, data[i] as number, factor)) };
}
