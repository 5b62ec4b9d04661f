/** @file Continued fractions by the method of Lentz, as Thompson and Barnett changed it (Numerical Recipes §5.2). */

/**
 * b₀ + a₁/(b₁ + a₂/(b₂ + …)), to double precision.
 *
 * @param term the pair aᵢ, bᵢ, for i = 1, 2, …
 */
export function continuedFraction(b0: number, term: (i: number) => readonly [number, number]): number {
  const tiny = 1e-300;
  let f = b0 === 0 ? tiny : b0;
  let c = f;
  let d = 0;
  for (let i = 1; i <= 1_000_000; i++) {
    const [a, b] = term(i);
    d = b + a * d;
    c = b + a / c;
    d = 1 / (d === 0 ? tiny : d);
    c = c === 0 ? tiny : c;
    const factor = c * d;
    f *= factor;
    if (Math.abs(factor - 1) < 1e-15) return f;
  }
  throw new Error("a continued fraction did not converge");
}
