/** @file The learning rate of each step, as the field's recipes have it: linear warm-up, then constant, linear or cosine. */
import { VitreousError } from "../onnx/errors.js";

export interface Schedule {
  readonly kind: "constant" | "linear" | "cosine";
  /** At the end of the warm-up. */
  readonly peak: number;
  /** Which "linear" and "cosine" reach behind the last step; 0 by default. */
  readonly least?: number;
  /** Steps of linear warm-up, the first at peak / warmup; 0 by default. */
  readonly warmup?: number;
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
  const { kind, peak, least = 0, warmup = 0, steps } = schedule;
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
  return (step) => {
    if (step < warmup) return (peak * (step + 1)) / warmup;
    const t = Math.min((step - warmup) / Math.max(steps - warmup, 1), 1);
    if (kind === "constant") return peak;
    return kind === "linear"
      ? peak + (least - peak) * t
      : least + ((peak - least) * (1 + Math.cos(Math.PI * t))) / 2;
  };
}
