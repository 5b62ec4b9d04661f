/**
 * @file Pillow's resampling filters and the fixed-point coefficient tables of Pillow and torch. They are apart from the
 * resampler because the same tables serve 8-bit pictures, float pictures and every pass of either.
 *
 * Source: Pillow, src/libImaging/Resample.c; torch, aten/src/ATen/native/cpu/UpSampleKernel.cpp.
 */

export const INTERPOLATIONS = ["nearest", "box", "bilinear", "hamming", "bicubic", "lanczos"] as const;
export type Interpolation = (typeof INTERPOLATIONS)[number];
export type Filter = Exclude<Interpolation, "nearest">;

interface Kernel {
  /** Half-width, in input pixels at scale 1. */
  readonly support: number;
  readonly weight: (x: number) => number;
}

const sinc = (x: number): number => (x === 0 ? 1 : Math.sin(x * Math.PI) / (x * Math.PI));

/** Keys' cubic with a = −0.5 (Pillow and antialiased torch; OpenCV and plain torch use −0.75). */
function cubic(value: number): number {
  const a = -0.5;
  const x = Math.abs(value);
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  if (x < 2) return (((x - 5) * x + 8) * x - 4) * a;
  return 0;
}

// Pillow writes these two in single precision.
const HAMMING_A = Math.fround(0.54);
const HAMMING_B = Math.fround(0.46);

function hamming(value: number): number {
  const x = Math.abs(value);
  if (x === 0) return 1;
  if (x >= 1) return 0;
  const t = x * Math.PI;
  return (Math.sin(t) / t) * (HAMMING_A + HAMMING_B * Math.cos(t));
}

const KERNELS: Readonly<Record<Filter, Kernel>> = {
  box: { support: 0.5, weight: (x) => (x > -0.5 && x <= 0.5 ? 1 : 0) },
  bilinear: { support: 1, weight: (x) => Math.max(0, 1 - Math.abs(x)) },
  hamming: { support: 1, weight: hamming },
  bicubic: { support: 2, weight: cubic },
  lanczos: { support: 3, weight: (x) => (x >= -3 && x < 3 ? sinc(x) * sinc(x / 3) : 0) },
};

/** For the i-th wanted output pixel: weights `weights[i·size + j]` of input pixels `start[i] + j`, j < count[i]. */
export interface Coefficients {
  readonly length: number;
  readonly size: number;
  readonly start: Int32Array;
  readonly count: Int32Array;
  readonly weights: Float64Array;
}

/** Output positions [from, to) of an axis. */
export interface Range {
  readonly from: number;
  readonly to: number;
}

/**
 * Normalised weights of one axis, for the wanted output pixels alone. When the axis shrinks, the support grows with
 * it: this is the antialiasing.
 */
export function coefficients(input: number, output: number, filter: Filter, wanted: Range): Coefficients {
  const { support: unit, weight } = KERNELS[filter];
  const scale = input / output;
  const stretch = Math.max(1, scale);
  const support = unit * stretch;
  const size = Math.ceil(support) * 2 + 1;
  const length = wanted.to - wanted.from;
  const start = new Int32Array(length);
  const count = new Int32Array(length);
  const weights = new Float64Array(length * size);
  const inverse = 1 / stretch;
  for (let i = 0; i < length; i++) {
    const centre = (wanted.from + i + 0.5) * scale;
    const first = Math.max(0, Math.trunc(centre - support + 0.5));
    const n = Math.min(input, Math.trunc(centre + support + 0.5)) - first;
    const base = i * size;
    let total = 0;
    for (let j = 0; j < n; j++) {
      const w = weight((j + first - centre + 0.5) * inverse);
      weights[base + j] = w;
      total += w;
    }
    if (total !== 0) for (let j = 0; j < n; j++) weights[base + j] = (weights[base + j] ?? 0) / total;
    start[i] = first;
    count[i] = n;
  }
  return { length, size, start, count, weights };
}

/** The input positions that the wanted outputs read. */
export function inputRange(c: Coefficients): Range {
  const last = c.length - 1;
  return { from: c.start[0] as number, to: (c.start[last] as number) + (c.count[last] as number) };
}

/**
 * The source position of each wanted output one. Pillow accumulates the position; torch ("nearest-exact") multiplies it
 * in single precision.
 */
export function nearestIndices(
  input: number,
  output: number,
  wanted: Range,
  arithmetic: Arithmetic,
): Int32Array {
  const scale = input / output;
  const indices = new Int32Array(wanted.to - wanted.from);
  if (arithmetic === "torch") {
    const single = Math.fround(scale);
    return indices.map((_, i) => {
      return Math.min(input - 1, Math.floor(Math.fround((wanted.from + i + 0.5) * single)));
    });
  }
  let position = scale * 0.5;
  for (let i = 0; i < wanted.to; i++) {
    if (i >= wanted.from) indices[i - wanted.from] = Math.min(input - 1, Math.trunc(position));
    position += scale;
  }
  return indices;
}

/** 32 bits less 8 of the pixel less 2 of headroom for negative lobes. */
const MOST_BITS = 22;
const CHUNK = 4096;

/**
 * Whose integers stand for weights: Pillow's have the same number of bits for every resize; torch's as many as let the
 * largest weight of the axis fit 16 bits, so that its pixels differ from Pillow's by up to two grey levels.
 */
export type Arithmetic = "pillow" | "torch";

/** Fractional bits of an axis' integer weights. */
export function fractionBits(input: number, output: number, filter: Filter, arithmetic: Arithmetic): number {
  if (arithmetic === "pillow") return MOST_BITS;
  let largest = 0;
  for (let from = 0; from < output; from += CHUNK) {
    const { weights } = coefficients(input, output, filter, { from, to: Math.min(output, from + CHUNK) });
    largest = weights.reduce((a, b) => Math.max(a, b), largest);
  }
  let bits = MOST_BITS;
  while (bits > 1 && Math.trunc(0.5 + largest * 2 ** bits) >= 1 << 15) bits--;
  return bits;
}

/** The weights scaled by 2^bits, rounded half away from zero. */
export function quantise(weights: Float64Array, bits: number): Int32Array {
  const one = 2 ** bits;
  return Int32Array.from(weights, (w) => Math.trunc(w * one + (w < 0 ? -0.5 : 0.5)));
}
