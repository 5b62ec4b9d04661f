/**
 * @file From an 8-bit picture to a model's tensor, and back to where in the picture the model looked. The sizes and
 * the window are worked out once, in `layout`, so that pixels, overlays and crop boxes cannot disagree.
 */
import { VitreousError } from "../onnx/errors.js";
import type { Tensor } from "./blur.js";
import { checkImage, type RgbImage } from "./image.js";
import { BLACK, type Crop, type Preprocessing, type Resize } from "./preprocessing.js";
import { resample, type Window } from "./resample.js";
import { resampleFloat } from "./resample-float.js";
import { roundHalfEven } from "./round.js";

/** A rectangle with exclusive ends; not rounded, and beyond the picture where the model saw padding. */
export interface Box {
  readonly x0: number;
  readonly y0: number;
  readonly x1: number;
  readonly y1: number;
}

export interface PreprocessedImage {
  /** float32 [channels, height, width]. */
  readonly data: Float32Array;
  readonly channels: number;
  readonly height: number;
  readonly width: number;
  /** What the model saw, in 8-bit RGB at its size: overlays are drawn on it. */
  readonly display: RgbImage;
  /** The model's window in pixels of the original picture. */
  readonly box: Box;
}

/** [height, width] after the resize step. */
export function resizedSize(resize: Resize | null, height: number, width: number): readonly [number, number] {
  if (!resize) return [height, width];
  switch (resize.mode) {
    case "exact":
      return [resize.height, resize.width];
    case "shortest-edge": {
      const [short, long] = width <= height ? [width, height] : [height, width];
      const scaled = Math.trunc((resize.size * long) / short);
      return width <= height ? [scaled, resize.size] : [resize.size, scaled];
    }
    case "cover":
    case "contain": {
      const ratios = [height / resize.height, width / resize.width] as const;
      const ratio = resize.mode === "cover" ? Math.min(...ratios) : Math.max(...ratios);
      return [Math.max(1, roundHalfEven(height / ratio)), Math.max(1, roundHalfEven(width / ratio))];
    }
  }
}

/** Where a window of `size` begins on a side of `length` (negative: that much padding comes first). */
function cropStart(length: number, size: number, rounding: Crop["rounding"]): number {
  const half = (length - size) / 2;
  if (rounding === "down") return Math.floor(half);
  if (rounding === "to-zero") return Math.trunc(half);
  return half < 0 ? -Math.floor(-half) : roundHalfEven(half);
}

/** The resized picture's sides, the model's window in it, and the part of that window that has pixels. */
interface Layout {
  readonly resized: readonly [number, number];
  readonly top: number;
  readonly left: number;
  readonly height: number;
  readonly width: number;
  readonly seen: Window | undefined;
}

/** A picture of 400 megapixels: as much as the decoder takes. */
const MOST_PIXELS = 4e8;

function layout(p: Preprocessing, height: number, width: number): Layout {
  const resized = resizedSize(p.resize, height, width);
  const [h, w] = p.crop ? [p.crop.height, p.crop.width] : resized;
  if (h * w > MOST_PIXELS) {
    throw new VitreousError(
      `An image of ${width}×${height} pixels would become ${w}×${h} by this preprocessing, which has no crop; crop the image first.`,
    );
  }
  const top = p.crop ? cropStart(resized[0], h, p.crop.rounding) : 0;
  const left = p.crop ? cropStart(resized[1], w, p.crop.rounding) : 0;
  const y0 = Math.max(0, top);
  const x0 = Math.max(0, left);
  const y1 = Math.min(resized[0], top + h);
  const x1 = Math.min(resized[1], left + w);
  const seen = y1 > y0 && x1 > x0 ? { left: x0, top: y0, width: x1 - x0, height: y1 - y0 } : undefined;
  return { resized, top, left, height: h, width: w, seen };
}

/** The model's window in pixels of a picture of [height, width]. */
export function viewBox(p: Preprocessing, height: number, width: number): Box {
  const { resized, top, left, height: h, width: w } = layout(p, height, width);
  const sy = height / resized[0];
  const sx = width / resized[1];
  return { x0: left * sx, y0: top * sy, x1: (left + w) * sx, y1: (top + h) * sy };
}

/** The seen part set into the model's window, whose padding is `fill`. */
function pad<T extends Uint8Array | Float32Array>(
  part: T,
  at: Layout,
  target: T,
  fill: readonly number[],
): T {
  if (at.seen?.width === at.width && at.seen.height === at.height) return part;
  for (let i = 0; i < target.length; i++) target[i] = fill[i % 3] as number;
  if (!at.seen) return target;
  const { left, top, width, height } = at.seen;
  for (let y = 0; y < height; y++) {
    const row = part.subarray(y * width * 3, (y + 1) * width * 3);
    target.set(row, ((top - at.top + y) * at.width + (left - at.left)) * 3);
  }
  return target;
}

/** Pillow's convert("L"), its three channels kept equal. */
function toGrey(image: RgbImage): RgbImage {
  const data = new Uint8Array(image.data.length);
  for (let i = 0; i < data.length; i += 3) {
    const [r, g, b] = [image.data[i] as number, image.data[i + 1] as number, image.data[i + 2] as number];
    data.fill((r * 19595 + g * 38470 + b * 7471 + 0x8000) >> 16, i, i + 3);
  }
  return { ...image, data };
}

/** Resized and cropped, in 8 bits: what a model with its preprocessing inside the graph takes, and what overlays lie on. */
export function displayImage(image: RgbImage, p: Preprocessing): RgbImage {
  checkImage(image);
  const at = layout(p, image.height, image.width);
  const source = p.channels === 1 ? toGrey(image) : image;
  const kind = p.resize?.interpolation ?? "nearest";
  const arithmetic = p.resizeOn === "torch-pixels" ? "torch" : "pillow";
  const part = at.seen
    ? resample(source, at.resized[1], at.resized[0], kind, at.seen, arithmetic).data
    : new Uint8Array(0);
  const data = pad(part, at, new Uint8Array(at.height * at.width * 3), p.crop?.fill ?? BLACK);
  return { data, width: at.width, height: at.height };
}

/** [height, width, 3] interleaved values to float32 [channels, height, width] by a function of value and channel. */
function planes(
  source: ArrayLike<number>,
  area: number,
  channels: number,
  value: (v: number, channel: number) => number,
): Float32Array {
  const out = new Float32Array(area * channels);
  for (let c = 0; c < channels; c++) {
    for (let i = 0, s = c, o = c * area; i < area; i++, s += 3, o++) out[o] = value(source[s] as number, c);
  }
  return out;
}

/** The real-number path: nothing is rounded to 8 bits. */
function rescaledTensor(image: RgbImage, p: Preprocessing): Float32Array {
  const at = layout(p, image.height, image.width);
  const source = p.channels === 1 ? toGrey(image) : image;
  const kind = p.resize?.interpolation ?? "nearest";
  const part = at.seen
    ? resampleFloat(source, at.resized[1], at.resized[0], kind, at.seen)
    : new Float32Array(0);
  const window = pad(part, at, new Float32Array(at.height * at.width * 3), p.crop?.fill ?? BLACK);
  return planes(window, at.height * at.width, p.channels, (v, c) => {
    return (v * p.rescale - (p.mean[c] as number)) / (p.std[c] as number);
  });
}

/**
 * A model's input from a picture, with the picture it amounts to and where it lies in the original.
 *
 * @throws VitreousError where the input has other channels than a picture
 */
export function preprocess(image: RgbImage, p: Preprocessing): PreprocessedImage {
  if (p.channels !== 1 && p.channels !== 3) {
    throw new VitreousError(`${p.source} prepares images of ${p.channels} channels; pictures have 1 or 3.`);
  }
  const display = displayImage(image, p);
  const { width, height } = display;
  const box = viewBox(p, image.height, image.width);
  if (p.resizeOn === "rescaled") {
    return { data: rescaledTensor(image, p), channels: p.channels, height, width, display, box };
  }
  // 256 possible values a channel: the arithmetic is done once for each, in double precision.
  const tables = p.mean.map((mean, c) =>
    Float32Array.from({ length: 256 }, (_, v) => (v * p.rescale - mean) / (p.std[c] as number)),
  );
  const data = planes(display.data, width * height, p.channels, (v, c) => tables[c]?.[v] as number);
  return { data, channels: p.channels, height, width, display, box };
}

/** 8-bit [height, width, channels], for graphs that normalise themselves. The picture is one from `displayImage`. */
export function toUint8NHWC(display: RgbImage, channels: 1 | 3): Uint8Array {
  return channels === 3 ? display.data.slice() : display.data.filter((_, i) => i % 3 === 0);
}

/** 8-bit [channels, height, width]. */
export function toUint8NCHW(display: RgbImage, channels: 1 | 3): Uint8Array {
  const area = display.width * display.height;
  const out = new Uint8Array(area * channels);
  for (let c = 0; c < channels; c++) {
    for (let i = 0; i < area; i++) out[c * area + i] = display.data[i * 3 + c] as number;
  }
  return out;
}

/**
 * A normalised tensor [channels, height, width] back to 8-bit RGB, clamped: to look at inputs that came as .npy. The
 * first three channels are shown, or the first alone where there are fewer.
 */
export function unpreprocess(tensor: Tensor, p: Pick<Preprocessing, "mean" | "std" | "rescale">): RgbImage {
  const { channels, height, width } = tensor;
  const area = height * width;
  if (tensor.data.length !== channels * area || channels < 1) {
    throw new VitreousError(
      `A tensor of ${tensor.data.length} numbers is no image of ${channels}×${height}×${width}.`,
    );
  }
  const data = new Uint8Array(area * 3);
  for (let c = 0; c < 3; c++) {
    const from = channels < 3 ? 0 : c;
    const [mean, std] = [p.mean[from] ?? 0, p.std[from] ?? 1];
    for (let i = 0; i < area; i++) {
      const v = ((tensor.data[from * area + i] as number) * std + mean) / p.rescale;
      data[i * 3 + c] = Math.max(0, Math.min(255, Math.round(v)));
    }
  }
  return { data, width, height };
}
