/** @file How far two methods differ on the same images, in units of the differences' own spread. */
import { isUndefined, type Outcome } from "./outcome.js";
import { pairedDifferences } from "./paired.js";

/** Mean and sample standard deviation (n − 1) of x − y, in the values' unit. */
export interface PairedSpread {
  readonly mean: number;
  readonly sd: number;
}

/**
 * Undefined below two pairs. Differences that are equal up to the rounding of the values, such as 0.3 − 0.1 and
 * 0.4 − 0.2, have the deviation 0.
 */
export function pairedSpread(x: readonly number[], y: readonly number[]): Outcome<PairedSpread> {
  const differences = pairedDifferences(x, y);
  const n = differences.length;
  if (n < 2) {
    const found = n === 1 ? "is one" : "are none";
    return { reason: `the spread of differences needs at least two pairs, and there ${found}` };
  }
  const mean = differences.reduce((s, d) => s + d, 0) / n;
  const sd = Math.sqrt(differences.reduce((s, d) => s + (d - mean) ** 2, 0) / (n - 1));
  const greatest = [x, y].flat().reduce((m, v) => Math.max(m, Math.abs(v)), 0);
  return { mean, sd: sd <= 1e-15 * greatest ? 0 : sd };
}

/**
 * Cohen's d_z: the mean of x − y over its sample standard deviation (Cohen, Statistical Power Analysis, 1988, §2.3.5);
 * without unit, positive where x is the greater. Undefined below two pairs and where all differences are equal.
 */
export function cohenDz(x: readonly number[], y: readonly number[]): Outcome<number> {
  const spread = pairedSpread(x, y);
  if (isUndefined(spread)) return spread;
  return spread.sd === 0
    ? { reason: "all differences are equal, so they have no spread to be compared with" }
    : spread.mean / spread.sd;
}
