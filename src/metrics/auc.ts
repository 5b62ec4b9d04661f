/**
 * @file The area under a perturbation curve. The same curve gives .45, 1.8, .36 or .46 in four public libraries;
 * this is RISE's: the trapezoid rule over the unit interval.
 */

/** (Σ aᵢ − a₀/2 − aₙ/2)/n for n + 1 points; in [0, 1] for probabilities. Petsiuk et al. 2018. */
export function auc(curve: ArrayLike<number>): number {
  const n = curve.length - 1;
  if (n < 1) throw new RangeError("an area needs at least two points");
  let sum = -((curve[0] ?? 0) + (curve[n] ?? 0)) / 2;
  for (let i = 0; i <= n; i++) sum += curve[i] ?? 0;
  return sum / n;
}
