/** @file What rank correlations have in common: what they give, and which data they take. */
import { VitreousError } from "../onnx/errors.js";
import { requireFinite, type Undefined } from "./outcome.js";

export interface RankCorrelation {
  /** In [−1, 1]. */
  readonly coefficient: number;
  /** Two-sided, of no association. */
  readonly p: number;
  readonly method: "exact" | "asymptotic";
  readonly n: number;
}

export type CorrelationMethod = "auto" | "exact" | "asymptotic";

/** Why two lists have no rank correlation, if they have none. */
export function noCorrelation(x: readonly number[], y: readonly number[]): Undefined | undefined {
  if (x.length !== y.length) {
    throw new VitreousError(`a correlation needs pairs of values, and got ${x.length} and ${y.length}`);
  }
  requireFinite(x, "correlation, first list");
  requireFinite(y, "correlation, second list");
  if (x.length < 2)
    return {
      reason: `a correlation needs at least two pairs, and there ${x.length === 1 ? "is one" : "are none"}`,
    };
  const constant = [x, y].some((values) => values.every((v) => v === values[0]));
  return constant
    ? { reason: `all ${x.length} values of one list are equal, so they have no order` }
    : undefined;
}
