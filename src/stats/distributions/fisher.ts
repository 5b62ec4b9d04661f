/** @file The F distribution's upper tail: the p-value of Iman and Davenport's statistic. */
import { incompleteBeta } from "./beta.js";

/** P(X > x) for X of F with `df1`, `df2` > 0 degrees of freedom (SciPy's `f.sf`). */
export function fisherSurvival(x: number, df1: number, df2: number): number {
  if (x <= 0) return 1;
  const all = df2 + df1 * x;
  return incompleteBeta(df2 / all, (df1 * x) / all, df2 / 2, df1 / 2);
}
