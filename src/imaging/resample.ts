/**
 * @file Resizing of 8-bit RGB pictures, bit for bit as Pillow's Image.resize or as torch's antialiased interpolation of
 * uint8: a model has seen the pixels of one of them in training, and half a grey level of difference moves its logits.
 * Only the window that is asked for is computed, so that the strip of a 1×100,000 picture scaled to 256 costs no more
 * than its crop.
 *
 * Source: Pillow, src/libImaging/Resample.c (filters) and Geometry.c (ImagingScaleAffine, nearest); torch,
 * aten/src/ATen/native/cpu/UpSampleKernel.cpp and UpSampleKernelAVXAntialias.h.
 */
import { VitreousError } from "../onnx/errors.js";
import {
  type Arithmetic,
  type Coefficients,
  coefficients,
  fractionBits,
  type Interpolation,
  inputRange,
  nearestIndices,
  quantise,
  type Range,
} from "./filters.js";
import { checkImage, type RgbImage } from "./image.js";

/** A part of an 8-bit RGB picture: its pixels, and where its corner is in the whole. */
interface Part {
  readonly data: Uint8Array;
  /** Pixels in a row. */
  readonly stride: number;
  readonly left: number;
  readonly top: number;
}

/** A window of the resized picture, in its pixels. */
export interface Window {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** The given rows, resampled across to the columns of `c`. Uint8ClampedArray does Pillow's clip8. */
function horizontal(source: Part, rows: Range, c: Coefficients, bits: number): Uint8Array {
  const { data, stride, left, top } = source;
  const k = quantise(c.weights, bits);
  const half = 1 << (bits - 1);
  const { length, size, start, count } = c;
  const out = new Uint8ClampedArray(length * (rows.to - rows.from) * 3);
  let o = 0;
  for (let y = rows.from; y < rows.to; y++) {
    const row = ((y - top) * stride - left) * 3;
    for (let x = 0; x < length; x++) {
      let r = half;
      let g = half;
      let b = half;
      let p = row + (start[x] as number) * 3;
      const base = x * size;
      const end = base + (count[x] as number);
      for (let j = base; j < end; j++) {
        const w = k[j] as number;
        r = (r + Math.imul(w, data[p] as number)) | 0;
        g = (g + Math.imul(w, data[p + 1] as number)) | 0;
        b = (b + Math.imul(w, data[p + 2] as number)) | 0;
        p += 3;
      }
      out[o] = r >> bits;
      out[o + 1] = g >> bits;
      out[o + 2] = b >> bits;
      o += 3;
    }
  }
  return new Uint8Array(out.buffer);
}

/** The given columns, resampled down to the rows of `c`. */
function vertical(source: Part, columns: Range, c: Coefficients, bits: number): Uint8Array {
  const { data, stride, left, top } = source;
  const k = quantise(c.weights, bits);
  const length = (columns.to - columns.from) * 3;
  const out = new Uint8ClampedArray(length * c.length);
  const sums = new Int32Array(length);
  for (let y = 0; y < c.length; y++) {
    sums.fill(1 << (bits - 1));
    const first = (c.start[y] as number) - top;
    const taps = c.count[y] as number;
    const base = y * c.size;
    const step = stride * 3;
    let row = (first * stride + columns.from - left) * 3;
    let j = 0;
    // Four rows at once: the sums are read and written a quarter as often.
    for (; j + 4 <= taps; j += 4, row += 4 * step) {
      const [w0, w1] = [k[base + j] as number, k[base + j + 1] as number];
      const [w2, w3] = [k[base + j + 2] as number, k[base + j + 3] as number];
      const [row1, row2, row3] = [row + step, row + 2 * step, row + 3 * step];
      for (let i = 0; i < length; i++) {
        sums[i] =
          ((sums[i] as number) +
            Math.imul(w0, data[row + i] as number) +
            Math.imul(w1, data[row1 + i] as number) +
            Math.imul(w2, data[row2 + i] as number) +
            Math.imul(w3, data[row3 + i] as number)) |
          0;
      }
    }
    for (; j < taps; j++, row += step) {
      const w = k[base + j] as number;
      for (let i = 0; i < length; i++) sums[i] = (sums[i] as number) + Math.imul(w, data[row + i] as number);
    }
    for (let i = 0; i < length; i++) out[y * length + i] = (sums[i] as number) >> bits;
  }
  return new Uint8Array(out.buffer);
}

function nearest(image: RgbImage, columns: Int32Array, rows: Int32Array): Uint8Array {
  const out = new Uint8Array(columns.length * rows.length * 3);
  let o = 0;
  for (const row of rows) {
    for (const column of columns) {
      const p = (row * image.width + column) * 3;
      out[o] = image.data[p] as number;
      out[o + 1] = image.data[p + 1] as number;
      out[o + 2] = image.data[p + 2] as number;
      o += 3;
    }
  }
  return out;
}

function copy(image: RgbImage, columns: Range, rows: Range): Uint8Array {
  const length = (columns.to - columns.from) * 3;
  const out = new Uint8Array(length * (rows.to - rows.from));
  for (let y = rows.from; y < rows.to; y++) {
    const at = (y * image.width + columns.from) * 3;
    out.set(image.data.subarray(at, at + length), (y - rows.from) * length);
  }
  return out;
}

/** Whether the height goes first: in Pillow since 13.0 where it shrinks much more than the width; in torch never. */
function verticalFirst(image: RgbImage, width: number, height: number, arithmetic: Arithmetic): boolean {
  if (arithmetic === "torch") return false;
  const shrink = image.height - height;
  return shrink > 0 && shrink > 2 * (image.width - width);
}

/** The filters: two passes, or one where a side keeps its length. */
function filter(
  image: RgbImage,
  [width, height]: readonly [number, number],
  kind: Exclude<Interpolation, "nearest">,
  columns: Range,
  rows: Range,
  arithmetic: Arithmetic,
): Uint8Array {
  const whole: Part = { data: image.data, stride: image.width, left: 0, top: 0 };
  const across = width === image.width ? undefined : coefficients(image.width, width, kind, columns);
  const down = height === image.height ? undefined : coefficients(image.height, height, kind, rows);
  const acrossBits = fractionBits(image.width, width, kind, arithmetic);
  const downBits = fractionBits(image.height, height, kind, arithmetic);
  if (!across) return down ? vertical(whole, columns, down, downBits) : copy(image, columns, rows);
  if (!down) return horizontal(whole, rows, across, acrossBits);
  if (verticalFirst(image, width, height, arithmetic)) {
    const read = inputRange(across);
    const data = vertical(whole, read, down, downBits);
    const part = { data, stride: read.to - read.from, left: read.from, top: rows.from };
    return horizontal(part, rows, across, acrossBits);
  }
  const read = inputRange(down);
  const data = horizontal(whole, read, across, acrossBits);
  const part = { data, stride: across.length, left: columns.from, top: read.from };
  return vertical(part, columns, down, downBits);
}

/**
 * `image` at `width`×`height`, or a window of that. "pillow": equal to Pillow 13's `resize((width, height), resample)` at
 * every pixel; both passes round to 8 bits, as there, so their order shows. Earlier Pillows always began with the width.
 * "torch": equal to torchvision's `resize` of a uint8 tensor with antialiasing on a CPU (nearest: "nearest-exact"). torch
 * has no box and hamming: what comes of them is its arithmetic with Pillow's filters.
 *
 * @throws VitreousError when a side is not a positive integer or the window reaches beyond the picture.
 */
export function resample(
  image: RgbImage,
  width: number,
  height: number,
  interpolation: Interpolation,
  window: Window = { left: 0, top: 0, width, height },
  arithmetic: Arithmetic = "pillow",
): RgbImage {
  checkImage(image);
  if (!Number.isInteger(width) || !Number.isInteger(height) || width < 1 || height < 1) {
    throw new VitreousError(
      `An image cannot be resized to ${width}×${height}; both sides must be at least 1.`,
    );
  }
  const columns: Range = { from: window.left, to: window.left + window.width };
  const rows: Range = { from: window.top, to: window.top + window.height };
  if (
    columns.from < 0 ||
    rows.from < 0 ||
    columns.to > width ||
    rows.to > height ||
    window.width < 1 ||
    window.height < 1
  ) {
    throw new VitreousError(
      `A window of ${window.width}×${window.height} at (${window.left}, ${window.top}) does not lie in an image of ${width}×${height}.`,
    );
  }
  const resized = width !== image.width || height !== image.height;
  const data =
    resized && interpolation === "nearest"
      ? nearest(
          image,
          nearestIndices(image.width, width, columns, arithmetic),
          nearestIndices(image.height, height, rows, arithmetic),
        )
      : filter(
          image,
          [width, height],
          interpolation === "nearest" ? "box" : interpolation,
          columns,
          rows,
          arithmetic,
        );
  return { data, width: window.width, height: window.height };
}
