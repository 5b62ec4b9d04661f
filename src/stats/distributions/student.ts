/** @file Student's t distribution, central and not: p-values of correlations, and the power of a paired comparison. */
import { incompleteBeta } from "./beta.js";
import { normalCdf } from "./normal.js";
import { integrate } from "./quadrature.js";
import { fallingTo } from "./root.js";
import { stirlingError } from "./stirling.js";

/** P(T > t) for T of Student's t with `df` > 0 degrees of freedom (SciPy's `t.sf`). */
export function studentSurvival(t: number, df: number): number {
  const square = t * t;
  if (square === Number.POSITIVE_INFINITY) return t < 0 ? 1 : 0;
  const tail = incompleteBeta(df / (df + square), square / (df + square), df / 2, 0.5) / 2;
  return t < 0 ? 1 - tail : tail;
}

/** The t with P(T > t) = `p`, for p in (0, ½] (SciPy's `t.isf`). */
export function studentUpperQuantile(p: number, df: number): number {
  return p === 0.5 ? 0 : fallingTo(p, (t) => studentSurvival(t, df));
}

/**
 * P(|T| > t) for T of the noncentral t distribution, T = (Z + `shift`) / S with Z standard normal, S² of
 * χ²/df and both independent; t > 0, df ≥ 1. The chance to find a difference of that shift.
 */
export function noncentralStudentBeyond(t: number, df: number, shift: number): number {
  // Integrated over S; its deviation is near 1/√(2 df), and the normal's step in S is 1/t wide.
  const width = 1 / Math.sqrt(2 * df);
  const end = 1 + 10 * width;
  const features = [1 - 10 * width, 1 - 3 * width, 1, 1 + 3 * width].concat(
    [-9, -3, 0, 3, 9].map((k) => (Math.abs(shift) + k) / t),
  );
  const points = [...new Set([0, ...features.filter((s) => s > 0 && s < end), end])].sort((a, b) => a - b);
  const beyond = integrate(
    (s) => chiDensity(s, df) * (normalCdf(shift - t * s) + normalCdf(-shift - t * s)),
    points,
  );
  return Math.min(1, beyond);
}

/** The density of S = √(χ²/df) at s > 0. */
function chiDensity(s: number, df: number): number {
  const a = df / 2;
  const e = s - 1;
  const exponent = Math.log(s) + stirlingError(a) + a * (2 * e + e * e - 2 * Math.log(s));
  return 2 * Math.sqrt(a / (2 * Math.PI)) * Math.exp(-exponent);
}
