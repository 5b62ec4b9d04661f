/**
 * @file A heat map over its picture. The picture loses its colour where the map is strong and keeps it where the map
 * is weak, so that a hue always means the map and the anatomy stays visible under it.
 */
import { VitreousError } from "../onnx/errors.js";
import { type ColormapName, colormap } from "./colormap.js";
import { checkImage, type RgbImage } from "./image.js";

export interface OverlayOptions {
  /** Default inferno. */
  readonly colormap?: ColormapName;
  /** Of the colours, in [0, 1]; default 0.6. */
  readonly opacity?: number;
  /** Values at which a line is drawn, e.g. [0.5]; none by default. */
  readonly contours?: readonly number[];
}

export const DEFAULT_OPACITY = 0.6;

/** Below this value the colours fade out, so that the background of a sparse map is the picture and not a dark veil. */
const FADE = 0.35;

const smooth = (t: number): number => t * t * (3 - 2 * t);

/** How strongly the colour of `value` covers the picture. */
export function coverage(value: number, opacity: number): number {
  return opacity * (value >= FADE ? 1 : smooth(value / FADE));
}

/** Pixels where the map crosses `level`: at or above it, with a neighbour below. */
function onContour(
  map: ArrayLike<number>,
  x: number,
  y: number,
  width: number,
  height: number,
  level: number,
): boolean {
  const at = (px: number, py: number): number => map[py * width + px] as number;
  if (at(x, y) < level) return false;
  return (
    (x > 0 && at(x - 1, y) < level) ||
    (x + 1 < width && at(x + 1, y) < level) ||
    (y > 0 && at(x, y - 1) < level) ||
    (y + 1 < height && at(x, y + 1) < level)
  );
}

/**
 * @param image The picture as the model saw it.
 * @param map [height, width] of the picture, values in [0, 1] (others are clamped).
 * @throws VitreousError when sizes differ or the map holds NaN.
 */
export function overlay(image: RgbImage, map: ArrayLike<number>, options: OverlayOptions = {}): RgbImage {
  checkImage(image);
  const { width, height } = image;
  if (map.length !== width * height) {
    throw new VitreousError(
      `A map of ${map.length} values does not fit an image of ${width}×${height} pixels; resize it first.`,
    );
  }
  const opacity = options.opacity ?? DEFAULT_OPACITY;
  if (!(opacity >= 0 && opacity <= 1))
    throw new VitreousError(`The opacity ${opacity} is not between 0 and 1.`);
  const table = colormap(options.colormap ?? "inferno");
  const contours = options.contours ?? [];
  const out = new Uint8ClampedArray(image.data.length);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const i = y * width + x;
      const raw = map[i] as number;
      if (Number.isNaN(raw))
        throw new VitreousError(`The map holds NaN at row ${y}, column ${x}; it cannot be drawn.`);
      const value = Math.max(0, Math.min(1, raw));
      const colour = Math.round(value * 255) * 3;
      const a = coverage(value, opacity);
      const p = i * 3;
      const [r, g, b] = [image.data[p] as number, image.data[p + 1] as number, image.data[p + 2] as number];
      const luma = 0.299 * r + 0.587 * g + 0.114 * b;
      const grey = opacity === 0 ? 0 : a / opacity;
      const line = contours.some((level) => onContour(map, x, y, width, height, level)) ? 0.85 : 0;
      for (let c = 0; c < 3; c++) {
        const pixel = image.data[p + c] as number;
        const base = pixel + (luma - pixel) * grey;
        const blended = base * (1 - a) + (table[colour + c] as number) * a;
        out[p + c] = blended + (255 - blended) * line;
      }
    }
  }
  return { data: new Uint8Array(out.buffer), width, height };
}

/**
 * The colours of a map alone, for who lays them over the picture later and chooses how strongly: they cover nothing
 * where the map is weak.
 *
 * @param map Values in [0, 1] (others are clamped).
 * @returns RGBA, four bytes a value
 */
export function heatLayer(map: ArrayLike<number>, name: ColormapName = "inferno"): Uint8Array {
  const table = colormap(name);
  const out = new Uint8Array(map.length * 4);
  for (let i = 0; i < map.length; i++) {
    const value = Math.max(0, Math.min(1, map[i] as number));
    const at = Math.round(value * 255) * 3;
    out.set(table.subarray(at, at + 3), i * 4);
    out[i * 4 + 3] = Math.round(255 * coverage(value, 1));
  }
  return out;
}

/** Where two maps differ, in Okabe and Ito's colours, which any colour vision tells apart: RGB of the one and the other. */
export const DIFFERENCE_COLORS = { first: [230, 159, 0], second: [86, 180, 233] } as const;

/**
 * The difference of two maps, to lie over the picture: one colour where the first is stronger, another where the second
 * is, the more opaque the larger the difference.
 *
 * @param first Values in [0, 1]; so is `second`, of the same length.
 * @returns RGBA, four bytes a value
 */
export function differenceLayer(first: ArrayLike<number>, second: ArrayLike<number>): Uint8Array {
  const out = new Uint8Array(first.length * 4);
  for (let i = 0; i < first.length; i++) {
    const difference = (first[i] as number) - (second[i] as number);
    out.set(difference > 0 ? DIFFERENCE_COLORS.first : DIFFERENCE_COLORS.second, i * 4);
    out[i * 4 + 3] = Math.round(255 * Math.min(1, Math.abs(difference)));
  }
  return out;
}
