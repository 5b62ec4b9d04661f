/** @file How slowly the average of the weights follows them, by update. */
import { VitreousError } from "../onnx/errors.js";
import { type Ramp, rampValues } from "./schedule.js";

export interface Averaging {
  /** Share of the average that stays at each update: 0.9998 forgets half in 3500. May change from update to update. */
  readonly decay: number | Ramp;
  /** Follows faster at first, so that the average is not made of the weights that training began with; false by default. */
  readonly warmup?: boolean;
}

/** timm's ModelEmaV3: how the warm-up approaches 1. */
const POWER = 2 / 3;

/**
 * The decay at each update, counted from 1: constant (timm's ModelEmaV2), or with warm-up
 * min(decay, 1 − update^(−2/3)) (ModelEmaV3, `use_warmup`). A ramp may end at 1.
 *
 * @throws VitreousError for a decay outside [0, 1)
 */
export function averagingDecay({ decay, warmup = false }: Averaging): (update: number) => number {
  const { from, to } = typeof decay === "number" ? { from: decay, to: 0 } : decay;
  if (!(from >= 0 && from < 1 && to >= 0 && to <= 1))
    throw new VitreousError(
      `The decay of the weights' average must be at least 0 and below 1, not ${from < 1 && from >= 0 ? to : from}.`,
    );
  const decays = rampValues(decay);
  return (update) => (warmup ? Math.min(decays(update - 1), 1 - update ** -POWER) : decays(update - 1));
}
