/**
 * @file The range of k standard normal variables, which is the studentised range at infinitely many degrees of freedom:
 * what Nemenyi's test compares mean ranks with. Computed, not read from a table, so that any number of methods and any
 * level is served.
 */
import { normalCdf } from "./normal.js";
import { integrate } from "./quadrature.js";
import { fallingTo } from "./root.js";

/**
 * P(max − min > q) of k ≥ 2 independent standard normal variables (SciPy's `studentized_range.sf(q, k, inf)`).
 * With the greatest at z, all others lie below it, and not all within q of it:
 * k ∫ φ(z) [Φ(z)ᵏ⁻¹ − (Φ(z) − Φ(z−q))ᵏ⁻¹] dz; the difference is taken so that small tails keep their digits.
 */
export function rangeSurvival(q: number, k: number): number {
  if (q <= 0) return 1;
  const integrand = (z: number): number => {
    const below = normalCdf(z);
    if (below === 0) return 0;
    const far = normalCdf(z - q) / below;
    const notAllNear = far >= 1 ? 1 : -Math.expm1((k - 1) * Math.log1p(-far));
    return Math.exp((-z * z) / 2) * below ** (k - 1) * notAllNear;
  };
  const end = 10 + q / 2;
  const points = [-10, -5, -2.5, 0, q / 4, q / 2, (q + end) / 2, end].sort((a, b) => a - b);
  return Math.min(1, (k * integrate(integrand, points)) / Math.sqrt(2 * Math.PI));
}

/** The q with P(max − min > q) = `p`, for p in (0, 1) (SciPy's `studentized_range.isf(p, k, inf)`). */
export function rangeUpperQuantile(p: number, k: number): number {
  return fallingTo(p, (q) => rangeSurvival(q, k));
}
