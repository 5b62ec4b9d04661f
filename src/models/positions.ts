/**
 * @file Learned position embeddings belong to one grid of patches. For images of another size they are interpolated,
 * once, when the checkpoint is read, exactly as the source library's call of torch.nn.functional.interpolate does.
 */
import type { Size } from "./architecture.js";

/** Which torch.nn.functional.interpolate: its mode, and what was set beside it. */
export type Interpolation = "bicubic" | "bicubic-antialias" | "bicubic-align-corners" | "bilinear";

/** For one output position of an axis: the first input position it takes from and the weights from there on. */
interface Taps {
  readonly first: number;
  readonly weights: readonly number[];
}

/** Keys' cubic convolution kernel (1981): a = −0.75 as in OpenCV, −0.5 as in Pillow. */
function cubic(x: number, a: number): number {
  const d = Math.abs(x);
  if (d < 1) return ((a + 2) * d - (a + 3)) * d * d + 1;
  return d < 2 ? (((d - 5) * d + 8) * d - 4) * a : 0;
}

/** Taps outside of the axis are moved to its border. */
function clamped(first: number, weights: readonly number[], length: number): Taps {
  const inside = new Array<number>(length).fill(0);
  weights.forEach((weight, i) => {
    const at = Math.min(Math.max(first + i, 0), length - 1);
    inside[at] = (inside[at] ?? 0) + weight;
  });
  const from = Math.min(Math.max(first, 0), length - 1);
  const to = Math.min(Math.max(first + weights.length, 1), length);
  return { first: from, weights: inside.slice(from, to) };
}

/** Four taps around the source position; a = −0.75. */
function cubicTaps(source: number, length: number): Taps {
  const first = Math.floor(source) - 1;
  return clamped(
    first,
    [0, 1, 2, 3].map((i) => cubic(source - first - i, -0.75)),
    length,
  );
}

function linearTaps(source: number, length: number): Taps {
  const first = Math.floor(source);
  return clamped(first, [1 - (source - first), source - first], length);
}

/** Pillow's filter: when shrinking, the kernel is as wide as the pixels it stands for; a = −0.5. */
function antialiasedTaps(at: number, scale: number, from: number): Taps {
  const stretch = Math.max(scale, 1);
  const centre = Math.fround(scale * (at + 0.5));
  const first = Math.max(Math.trunc(centre - 2 * stretch + 0.5), 0);
  const end = Math.min(Math.trunc(centre + 2 * stretch + 0.5), from);
  const weights = Array.from({ length: end - first }, (_, i) =>
    cubic((first + i - centre + 0.5) / stretch, -0.5),
  );
  const sum = weights.reduce((a, b) => a + b, 0);
  return { first, weights: weights.map((weight) => weight / sum) };
}

/** The taps of output position `at` of an axis stretched from `from` to `to`. */
function taps(at: number, from: number, to: number, mode: Interpolation): Taps {
  // PyTorch computes source positions in single precision; so must this, to land between the same neighbours.
  const scale = Math.fround(from / to);
  const centred = Math.fround(Math.fround(scale * (at + 0.5)) - 0.5);
  switch (mode) {
    case "bicubic":
      return cubicTaps(centred, from);
    case "bicubic-align-corners":
      return cubicTaps(to > 1 ? Math.fround(Math.fround((from - 1) / (to - 1)) * at) : 0, from);
    case "bilinear":
      return linearTaps(Math.max(centred, 0), from);
    case "bicubic-antialias":
      return antialiasedTaps(at, scale, from);
  }
}

/** An axis of `from` positions that is stretched to `to`, with `inner` values at each. */
interface Axis {
  readonly from: number;
  readonly to: number;
  readonly inner: number;
  readonly mode: Interpolation;
}

/** Calls `visit` for each run of `inner` values with its place in [outer, to, inner] and in [outer, from, inner]. */
function eachTap(
  outer: number,
  { from, to, inner, mode }: Axis,
  visit: (target: number, source: number, weight: number) => void,
): void {
  for (let at = 0; at < to; at++) {
    const { first, weights } = taps(at, from, to, mode);
    for (let o = 0; o < outer; o++) {
      weights.forEach((weight, k) => {
        visit((o * to + at) * inner, (o * from + first + k) * inner, weight);
      });
    }
  }
}

/** Adds `weight` times `length` values. */
function addScaled(
  out: Float64Array,
  at: number,
  weight: number,
  values: Float64Array,
  from: number,
  length: number,
): void {
  for (let i = 0; i < length; i++) out[at + i] = (out[at + i] ?? 0) + weight * (values[from + i] ?? 0);
}

/** [outer, from, inner] → [outer, to, inner]. */
function alongAxis(values: Float64Array, axis: Axis): Float64Array {
  const outer = values.length / (axis.from * axis.inner);
  const out = new Float64Array(outer * axis.to * axis.inner);
  eachTap(outer, axis, (target, source, weight) => {
    addScaled(out, target, weight, values, source, axis.inner);
  });
  return out;
}

/** The adjoint of `alongAxis`: [outer, to, inner] → [outer, from, inner]. */
function backAlongAxis(gradient: Float64Array, axis: Axis): Float64Array {
  const outer = gradient.length / (axis.to * axis.inner);
  const out = new Float64Array(outer * axis.from * axis.inner);
  eachTap(outer, axis, (target, source, weight) => {
    addScaled(out, source, weight, gradient, target, axis.inner);
  });
  return out;
}

/** The two axes of a grid, down and across, in the order in which they are stretched: across first. */
const axesOf = (from: Size, to: Size, dim: number, mode: Interpolation): readonly [Axis, Axis] => [
  { from: from[0], to: to[0], inner: to[1] * dim, mode },
  { from: from[1], to: to[1], inner: dim, mode },
];

/**
 * torch.nn.functional.interpolate on a grid of embeddings, in double precision; align_corners is false except where
 * `mode` says so.
 *
 * @param values [from height · from width, dim], row-major
 * @param from the grid they are on: [height, width]
 * @param to the grid that is wanted
 * @returns [to height · to width, dim]; `values` itself where nothing changes
 */
export function interpolatePositions(
  values: Float32Array,
  from: Size,
  to: Size,
  dim: number,
  mode: Interpolation,
): Float32Array {
  if (values.length !== from[0] * from[1] * dim) {
    throw new RangeError(`${values.length} values are no grid of ${from.join("×")} positions × ${dim}`);
  }
  if (from[0] === to[0] && from[1] === to[1]) return values;
  const [down, across] = axesOf(from, to, dim, mode);
  return Float32Array.from(alongAxis(alongAxis(Float64Array.from(values), across), down));
}

/** The adjoint of `interpolatePositions`: a gradient [to height · to width, dim] → [from height · from width, dim]. */
export function gradientOfPositions(
  gradient: Float32Array,
  from: Size,
  to: Size,
  dim: number,
  mode: Interpolation,
): Float32Array {
  if (from[0] === to[0] && from[1] === to[1]) return gradient;
  const [down, across] = axesOf(from, to, dim, mode);
  return Float32Array.from(backAlongAxis(backAlongAxis(Float64Array.from(gradient), down), across));
}
