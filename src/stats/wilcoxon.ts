/**
 * @file Wilcoxon's signed-rank test of two methods on the same images. It assumes independent pairs: where images come
 * in groups (patients, near-duplicates), the sign-flip test by group is the one to use.
 * Wilcoxon, "Individual comparisons by ranking methods", Biometrics Bulletin 1945; Pratt, JASA 1959.
 */
import { VitreousError } from "../onnx/errors.js";
import { normalCdf } from "./distributions/normal.js";
import type { Outcome } from "./outcome.js";
import { pairedDifferences } from "./paired.js";
import { averageRanks } from "./ranks.js";
import { signedRankLowerTail } from "./signed-rank.js";

export interface WilcoxonOptions {
  /** Zero differences are left out (`wilcox`, default), or ranked with the others and then left out (`pratt`). */
  readonly zeros?: "wilcox" | "pratt";
  /**
   * `auto` (default) chooses as SciPy does: exact up to 50 pairs without ties and zeros and up to 13 with them, else
   * by the normal approximation. `exact` gives the exact distribution given the ties at any number up to 1000.
   */
  readonly method?: "auto" | "exact" | "asymptotic";
  /** Moves the normal approximation half a rank towards the middle; default false. */
  readonly continuity?: boolean;
}

export interface WilcoxonTest {
  /** Two-sided. */
  readonly p: number;
  readonly method: "exact" | "asymptotic";
  /** Pairs given, and those of them that do not differ. */
  readonly pairs: number;
  readonly zeros: number;
  /** Sums of the ranks of the positive and of the negative differences. */
  readonly positive: number;
  readonly negative: number;
  /** Of the normal approximation, signed as x − y. */
  readonly z?: number;
  /** Matched-pairs rank-biserial correlation in [−1, 1]: positive where x is the greater (Kerby 2014). */
  readonly rankBiserial: number;
}

/**
 * Two-sided test that x − y is symmetric about 0 (SciPy's `wilcoxon`). Tied differences get mean ranks and the
 * variance that belongs to them. Undefined where no pair differs; with fewer than six pairs p cannot fall below 0.05.
 */
export function wilcoxon(
  x: readonly number[],
  y: readonly number[],
  options: WilcoxonOptions = {},
): Outcome<WilcoxonTest> {
  const differences = pairedDifferences(x, y);
  const pairs = differences.length;
  if (pairs === 0) return { reason: "there are no pairs to compare" };
  const nonzero = differences.filter((d) => d !== 0);
  const zeros = pairs - nonzero.length;
  if (nonzero.length === 0) return { reason: `none of the ${pairs} pairs differ` };

  const ranked = options.zeros === "pratt" ? differences : nonzero;
  const { ranks: all, ties } = averageRanks(ranked.map(Math.abs));
  const ranks = all.filter((_, i) => ranked[i] !== 0);
  let positive = 0;
  let negative = 0;
  let squares = 0;
  ranks.forEach((rank, i) => {
    if ((nonzero[i] ?? 0) > 0) positive += rank;
    else negative += rank;
    squares += rank * rank;
  });
  const found = {
    pairs,
    zeros,
    positive,
    negative,
    rankBiserial: (positive - negative) / (positive + negative),
  };

  const { method = "auto" } = options;
  if (method === "exact" && nonzero.length > 1000) {
    throw new VitreousError(
      `the exact Wilcoxon test takes up to 1000 pairs that differ, and got ${nonzero.length}: use the normal approximation`,
    );
  }
  if (method === "exact" || (method === "auto" && pairs <= (zeros === 0 && ties.length === 0 ? 50 : 13))) {
    const p = Math.min(1, 2 * signedRankLowerTail(ranks, Math.min(positive, negative)));
    return { p, method: "exact", ...found };
  }
  // W₊ − W₋ is a sum of ±rank; half a rank in W₊ is one in the difference.
  const difference = positive - negative;
  const z = (difference - (options.continuity ? Math.sign(difference) : 0)) / Math.sqrt(squares);
  return { p: Math.min(1, 2 * normalCdf(-Math.abs(z))), method: "asymptotic", z, ...found };
}
