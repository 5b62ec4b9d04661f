/**
 * @file Where the data's random numbers come from. Each has an address (what for, seed, epoch, place), never a position
 * in a common stream, so that a resumed run, another number of workers or a skipped image changes none of the others.
 */
import { mix, uniform } from "../../random.js";

const PURPOSES = {
  order: 0x6f72_6465,
  image: 0x696d_6167,
  batch: 0x6261_7463,
  replacement: 0x7265_706c,
  crops: 0x6372_6f70,
  size: 0x7369_7a65,
} as const;

/** Uniform numbers in [0, 1). */
export type Draw = () => number;

/** The numbers that belong to one place of one epoch. */
export function drawsFor(purpose: keyof typeof PURPOSES, seed: number, epoch: number, place = 0): Draw {
  return uniform(mix(place, mix(epoch, mix(seed, PURPOSES[purpose]) + 1) + 1));
}

/** A number in [from, to). */
export const within = (next: Draw, [from, to]: readonly [number, number]): number =>
  from + (to - from) * next();

/** A whole number in [0, count). */
export const below = (next: Draw, count: number): number => Math.floor(next() * count);

/** Standard normal, by Box and Muller; two numbers are drawn. */
function gaussian(next: Draw): number {
  const radius = Math.sqrt(-2 * Math.log(1 - next()));
  return radius * Math.cos(2 * Math.PI * next());
}

/** Gamma(shape, 1): Marsaglia and Tsang 2000; shapes below 1 by their power of a uniform number. */
function gamma(next: Draw, shape: number): number {
  if (shape < 1) return gamma(next, shape + 1) * (1 - next()) ** (1 / shape);
  const d = shape - 1 / 3;
  const c = 1 / Math.sqrt(9 * d);
  for (;;) {
    const x = gaussian(next);
    const v = (1 + c * x) ** 3;
    if (v > 0 && Math.log(1 - next()) < 0.5 * x * x + d - d * v + d * Math.log(v)) return d * v;
  }
}

/** Beta(alpha, alpha), the distribution of MixUp's and CutMix's shares. */
export function symmetricBeta(next: Draw, alpha: number): number {
  const a = gamma(next, alpha);
  const b = gamma(next, alpha);
  // Tiny alphas can give 0/0; the limit of the distribution is 0 or 1.
  return a + b > 0 ? a / (a + b) : next() < 0.5 ? 0 : 1;
}
