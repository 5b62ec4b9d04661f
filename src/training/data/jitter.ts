/**
 * @file Changes of brightness, contrast, saturation and hue on 8-bit pictures, by the arithmetic of Pillow's
 * ImageEnhance and of torchvision's ColorJitter on Pillow images (not that of tensors, which rounds elsewhere).
 *
 * Source: Pillow, ImageEnhance.py, src/libImaging/Blend.c and Convert.c; torchvision.transforms.ColorJitter.
 */
import type { RgbImage } from "../../imaging/image.js";
import { below, type Draw, within } from "./draws.js";

/** A table applied to every sample, one for all channels or one for each. */
export function lookUp(image: RgbImage, tables: readonly [Uint8Array, Uint8Array, Uint8Array]): RgbImage {
  const { data } = image;
  const out = new Uint8Array(data.length);
  const [r, g, b] = tables;
  for (let i = 0; i < data.length; i += 3) {
    out[i] = r[data[i] as number] as number;
    out[i + 1] = g[data[i + 1] as number] as number;
    out[i + 2] = b[data[i + 2] as number] as number;
  }
  return { ...image, data: out };
}

/** Pillow's blend of two samples in single precision, cut off to 8 bits. */
export function blend(from: number, to: number, factor: number): number {
  const v = Math.fround(from + Math.fround(Math.fround(factor) * (to - from)));
  return v <= 0 ? 0 : v >= 255 ? 255 : Math.trunc(v);
}

/** Every sample blended with one grey. */
function towards(image: RgbImage, grey: number, factor: number): RgbImage {
  const table = Uint8Array.from({ length: 256 }, (_, v) => blend(grey, v, factor));
  return lookUp(image, [table, table, table]);
}

/** Pillow's convert("L") of one pixel. */
export const luma = (r: number, g: number, b: number): number =>
  (r * 19595 + g * 38470 + b * 7471 + 0x8000) >> 16;

/** 0: black; 1: unchanged. */
export const brightness = (image: RgbImage, factor: number): RgbImage => towards(image, 0, factor);

/** 0: the mean grey everywhere; 1: unchanged. */
export function contrast(image: RgbImage, factor: number): RgbImage {
  const { data, width, height } = image;
  let sum = 0;
  for (let i = 0; i < data.length; i += 3) {
    sum += luma(data[i] as number, data[i + 1] as number, data[i + 2] as number);
  }
  return towards(image, Math.trunc(sum / (width * height) + 0.5), factor);
}

/** 0: grey; 1: unchanged. */
export function saturation(image: RgbImage, factor: number): RgbImage {
  const { data } = image;
  const out = new Uint8Array(data.length);
  // The blend's product for every difference of a sample to its grey, from −255 on.
  const single = Math.fround(factor);
  const products = Float32Array.from({ length: 511 }, (_, i) => single * (i - 255));
  for (let i = 0; i < data.length; i += 3) {
    const r = data[i] as number;
    const g = data[i + 1] as number;
    const b = data[i + 2] as number;
    const grey = luma(r, g, b);
    const base = 255 - grey;
    const x = Math.fround(grey + (products[base + r] as number));
    const y = Math.fround(grey + (products[base + g] as number));
    const z = Math.fround(grey + (products[base + b] as number));
    out[i] = x <= 0 ? 0 : x >= 255 ? 255 : x;
    out[i + 1] = y <= 0 ? 0 : y >= 255 ? 255 : y;
    out[i + 2] = z <= 0 ? 0 : z >= 255 ? 255 : z;
  }
  return { ...image, data: out };
}

const fround = Math.fround;

/** Hue as Pillow's "HSV" has it: 0…255 a turn, cut off. `delta` is max − min and not 0. */
function hueOf(r: number, g: number, b: number, max: number, delta: number): number {
  const rc = fround((max - r) / delta);
  const gc = fround((max - g) / delta);
  const bc = fround((max - b) / delta);
  const sixth = fround(r === max ? bc - gc : g === max ? 2 + rc - bc : 4 + gc - rc);
  const turn = sixth / 6 + 1;
  return Math.trunc(fround(turn < 1 ? turn : turn - 1) * 255);
}

/** C's round(): halves away from zero; the samples are never negative. */
const rounded = (x: number): number => Math.floor(x + 0.5);

/** By `shift` of a turn, −0.5 to 0.5: through Pillow's 8-bit HSV, whose hues are 256, so that small shifts have steps. */
export function hue(image: RgbImage, shift: number): RgbImage {
  const { data } = image;
  const out = new Uint8Array(data.length);
  const by = Math.trunc(shift * 255);
  const sectors = Uint8Array.from({ length: 256 }, (_, h) => Math.floor(fround(fround(h * 6) / 255)) % 6);
  const rests = Float32Array.from({ length: 256 }, (_, h) => {
    const six = fround(fround(h * 6) / 255);
    return six - Math.floor(six);
  });
  for (let i = 0; i < data.length; i += 3) {
    const r = data[i] as number;
    const g = data[i + 1] as number;
    const b = data[i + 2] as number;
    const v = r > g ? (r > b ? r : b) : g > b ? g : b;
    const min = r < g ? (r < b ? r : b) : g < b ? g : b;
    const delta = v - min;
    const s = v === 0 ? 0 : Math.trunc(fround(delta / v) * 255);
    if (s === 0) {
      // Pillow's HSV loses what little colour is left here; greys stay as they are.
      out[i] = v;
      out[i + 1] = v;
      out[i + 2] = v;
      continue;
    }
    const h = (hueOf(r, g, b, v, delta) + by) & 255;
    const f = rests[h] as number;
    const fs = fround(s / 255);
    const p = rounded(v * (1 - fs));
    const q = rounded(v * (1 - fs * f));
    const t = rounded(v * (1 - fs * (1 - f)));
    const sector = sectors[h] as number;
    out[i] = sector === 0 || sector === 5 ? v : sector === 1 ? q : sector === 4 ? t : p;
    out[i + 1] = sector === 1 || sector === 2 ? v : sector === 3 ? q : sector === 0 ? t : p;
    out[i + 2] = sector === 3 || sector === 4 ? v : sector === 5 ? q : sector === 2 ? t : p;
  }
  return { ...image, data: out };
}

export interface Jitter {
  readonly brightness: number;
  readonly contrast: number;
  readonly saturation: number;
  readonly hue: number;
}

const CHANGES = [
  ["brightness", brightness],
  ["contrast", contrast],
  ["saturation", saturation],
] as const;

/** Each change with a factor uniform in [1 − x, 1 + x] (hue: [−x, x]), in a random order. Draws seven numbers. */
export function colourJitter(image: RgbImage, greatest: Jitter, next: Draw): RgbImage {
  const steps: ((i: RgbImage) => RgbImage)[] = CHANGES.map(([name, change]) => {
    const factor = within(next, [1 - greatest[name], 1 + greatest[name]]);
    return (i) => (greatest[name] === 0 ? i : change(i, factor));
  });
  const shift = within(next, [-greatest.hue, greatest.hue]);
  // A shift of less than one of the 255 steps would only round the colours.
  steps.push((i) => (Math.trunc(shift * 255) === 0 ? i : hue(i, shift)));
  let result = image;
  for (let left = steps.length; left > 0; left--) {
    const [step] = left > 1 ? steps.splice(below(next, left), 1) : steps;
    if (step) result = step(result);
  }
  return result;
}
