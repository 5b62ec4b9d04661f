/** @file The regularised incomplete beta function: the tails of Student's t and of F. */
import { continuedFraction } from "./continued-fraction.js";
import { binomialTerm } from "./stirling.js";

/**
 * I_x(a, b) for a, b > 0 and x in [0, 1] (SciPy's `betainc`), by the continued fraction DLMF 8.17.22.
 *
 * @param y 1 − x, which the caller often knows more exactly than the subtraction gives it
 */
export function incompleteBeta(x: number, y: number, a: number, b: number): number {
  if (x <= 0) return 0;
  if (y <= 0) return 1;
  // The fraction converges fast only below the mean.
  if (x > (a + 1) / (a + b + 2)) return 1 - incompleteBeta(y, x, b, a);
  const fraction = continuedFraction(1, (i) => {
    const m = i >> 1;
    const d =
      i % 2 === 0
        ? (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m))
        : (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
    return [d, 1];
  });
  // x^a y^b / (a B(a, b)) is b / (a + b) times the binomial term.
  return (binomialTerm(a, b, x, y) * b) / (a + b) / fraction;
}
