/**
 * @file What a statistic gives where the data do not define it: the reason, instead of a NaN that spreads unseen or a 0
 * that passes for a measurement.
 */
import { VitreousError } from "../onnx/errors.js";

declare const checked: unique symbol;

/** A number that is neither NaN nor infinite; only {@link finite} makes one, so that none is written unseen. */
export type Finite = number & { readonly [checked]: true };

/** Nothing, and why, in words for the reader of a report. */
export interface Undefined {
  readonly reason: string;
}

export type Outcome<T> = T | Undefined;

export function isUndefined(outcome: unknown): outcome is Undefined {
  return typeof outcome === "object" && outcome !== null && "reason" in outcome;
}

/** The number, or the reason why there is none where it is NaN or infinite. */
export function finite(value: number, reason: string): Outcome<Finite> {
  return isFiniteNumber(value) ? value : { reason };
}

/** Refuses numbers that no test can use. @param what names the values in the error */
export function requireFinite(values: ArrayLike<number>, what: string): void {
  for (let i = 0; i < values.length; i++) {
    if (!Number.isFinite(values[i])) {
      throw new VitreousError(
        `${what}: value ${i + 1} of ${values.length} is ${values[i]}; leave undefined values out before testing`,
      );
    }
  }
}

function isFiniteNumber(value: number): value is Finite {
  return Number.isFinite(value);
}
