/** @file The χ² distribution's upper tail: the p-value of Friedman's test. */
import { upperGamma } from "./gamma.js";

/** P(X > x) for X of χ² with `df` > 0 degrees of freedom (SciPy's `chi2.sf`). */
export function chiSquaredSurvival(x: number, df: number): number {
  return upperGamma(df / 2, x / 2);
}
