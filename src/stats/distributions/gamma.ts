/** @file The regularised incomplete gamma function: the χ² distribution's tail. */
import { continuedFraction } from "./continued-fraction.js";
import { poissonTerm } from "./stirling.js";

/**
 * Q(a, x) = Γ(a, x) / Γ(a) for a > 0, x ≥ 0 (SciPy's `gammaincc`). Series of P below a + 1, continued fraction above
 * (Abramowitz & Stegun 6.5.29 and 6.5.31).
 */
export function upperGamma(a: number, x: number): number {
  if (x <= 0) return 1;
  if (x === Number.POSITIVE_INFINITY) return 0;
  const scale = poissonTerm(a, x);
  if (x < a + 1) {
    let term = 1;
    let sum = 1;
    for (let k = 1; term > sum * 1e-17; k++) {
      term *= x / (a + k);
      sum += term;
    }
    return 1 - scale * sum;
  }
  // x^a e^-x / Γ(a) is a times the Poisson term.
  return (scale * a) / continuedFraction(x + 1 - a, (i) => [-i * (i - a), x + 2 * i + 1 - a]);
}
