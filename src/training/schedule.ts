/**
 * @file Numbers that change from step to step, as the field's recipes have it: the learning rate (linear warm-up, then
 * constant, linear or cosine), and what goes from one value to another along a cosine.
 */
import { VitreousError } from "../onnx/errors.js";

export interface Schedule {
  readonly kind: "constant" | "linear" | "cosine";
  /** At the end of the warm-up. */
  readonly peak: number;
  /** Which "linear" and "cosine" reach behind the last step; 0 by default. */
  readonly least?: number;
  /** Steps of linear warm-up, the first at peak / warmup; 0 by default. */
  readonly warmup?: number;
  /** Rate of the warm-up's first step, in the place of peak / warmup; its last step then has the peak (DINO's). */
  readonly start?: number;
  /** All steps of the training, those of the warm-up included. */
  readonly steps: number;
}

/**
 * Learning rate by step, counted from 0. "cosine": least + (peak − least)·(1 + cos πt)/2, with t the share of the steps
 * behind the warm-up (Loshchilov & Hutter 2017, one cycle; torch's CosineAnnealingLR behind a LinearLR).
 *
 * @throws VitreousError for rates and numbers of steps that make no schedule
 */
export function learningRates(schedule: Schedule): (step: number) => number {
  const { kind, peak, least = 0, warmup = 0, start, steps } = schedule;
  if (!(peak > 0) || !Number.isFinite(peak))
    throw new VitreousError(`The learning rate must be a number above 0, not ${peak}.`);
  if (!(least >= 0 && least <= peak))
    throw new VitreousError(
      `The least learning rate must be between 0 and the learning rate ${peak}, not ${least}.`,
    );
  if (!Number.isInteger(steps) || steps < 1)
    throw new VitreousError(`A training has a whole number of steps above 0, not ${steps}.`);
  if (!Number.isInteger(warmup) || warmup < 0 || warmup > steps)
    throw new VitreousError(
      `The warm-up must be a whole number of steps up to the training's ${steps}, not ${warmup}.`,
    );
  if (start !== undefined && !(start >= 0 && start <= peak))
    throw new VitreousError(
      `The warm-up must start at a learning rate between 0 and ${peak}, not at ${start}.`,
    );
  const rising = (step: number): number =>
    start === undefined
      ? (peak * (step + 1)) / warmup
      : start + ((peak - start) * step) / Math.max(warmup - 1, 1);
  return (step) => {
    if (step < warmup) return rising(step);
    const t = Math.min((step - warmup) / Math.max(steps - warmup, 1), 1);
    if (kind === "constant") return peak;
    return kind === "linear"
      ? peak + (least - peak) * t
      : least + ((peak - least) * (1 + Math.cos(Math.PI * t))) / 2;
  };
}

/** From one value to another along half a cosine, "to" being reached behind the last step. */
export interface Ramp {
  readonly from: number;
  readonly to: number;
  readonly steps: number;
}

/** The value at each step, counted from 0; a number stays what it is (DINO's cosine_scheduler without warm-up). */
export function rampValues(ramp: number | Ramp): (step: number) => number {
  if (typeof ramp === "number") return () => ramp;
  const { from, to, steps } = ramp;
  return (step) => to + ((from - to) * (1 + Math.cos((Math.PI * Math.min(step, steps)) / steps))) / 2;
}
