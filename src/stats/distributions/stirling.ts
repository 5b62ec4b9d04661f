/**
 * @file Terms of the binomial and Poisson kind for real arguments, without the cancellation of large logarithms that
 * log-gamma functions bring: what the incomplete gamma and beta functions and the χ density are scaled with.
 * Loader, "Fast and accurate computation of binomial probabilities", 2000 (R's dbinom and dpois).
 */

/** δ(a) = ln Γ(a+1) − (a+½) ln a + a − ½ ln 2π for a > 0; absolute error below 1e-14. */
export function stirlingError(a: number): number {
  // The asymptotic series is exact to double precision from 16 on; below, the recurrence leads there.
  let error = 0;
  let at = a;
  for (; at < 16; at++) error += (at + 0.5) * Math.log1p(1 / at) - 1;
  const s = 1 / (at * at);
  return error + (1 / 12 - s * (1 / 360 - s * (1 / 1260 - s * (1 / 1680 - s / 1188)))) / at;
}

/** a ln(a/m) + m − a for a, m > 0: how far a lies from the mean m, in nats; never negative. */
export function deviance(a: number, m: number): number {
  const u = (m - a) / a;
  // Near the mean the quotient has lost the digits that u has kept; far from it, u has lost those of the quotient.
  const log = Math.abs(u) < 0.5 ? Math.log1p(u) : Math.log(m / a);
  return Math.max(0, a * (u - log));
}

/** mᵃ e⁻ᵐ / Γ(a+1) for a, m > 0. */
export function poissonTerm(a: number, m: number): number {
  return Math.exp(-stirlingError(a) - deviance(a, m)) / Math.sqrt(2 * Math.PI * a);
}

/** Γ(a+b+1) / (Γ(a+1) Γ(b+1)) · xᵃ yᵇ for a, b, x, y > 0 and y = 1 − x. */
export function binomialTerm(a: number, b: number, x: number, y: number): number {
  const n = a + b;
  const exponent =
    stirlingError(n) - stirlingError(a) - stirlingError(b) - deviance(a, n * x) - deviance(b, n * y);
  return Math.exp(exponent) * Math.sqrt(n / (2 * Math.PI * a * b));
}
