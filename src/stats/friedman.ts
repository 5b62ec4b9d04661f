/**
 * @file Friedman's test: do several methods, each measured on the same images or data sets, differ at all?
 * Friedman, JASA 1937; Iman & Davenport, Communications in Statistics A9, 1980; Demšar, JMLR 7, 2006, §3.2.2.
 */
import { VitreousError } from "../onnx/errors.js";
import { chiSquaredSurvival } from "./distributions/chi-squared.js";
import { fisherSurvival } from "./distributions/fisher.js";
import { type Outcome, requireFinite } from "./outcome.js";
import { averageRanks } from "./ranks.js";

export interface FriedmanTest {
  /** Images or data sets ranked, and methods. */
  readonly blocks: number;
  readonly methods: number;
  /** Of each method over the blocks, 1 the best; ties share. */
  readonly meanRanks: readonly number[];
  /** Kendall's coefficient of concordance in [0, 1], corrected for ties: the effect size. */
  readonly w: number;
  /** χ² = blocks (methods − 1) W, with methods − 1 degrees of freedom. */
  readonly chiSquared: { readonly statistic: number; readonly df: number; readonly p: number };
  /** Iman and Davenport's F = (blocks − 1) W / (1 − W), which keeps the level better with few blocks. */
  readonly f: Outcome<{
    readonly statistic: number;
    readonly df: readonly [number, number];
    readonly p: number;
  }>;
}

/**
 * Friedman's test with the correction for ties (SciPy's `friedmanchisquare`). The χ² approximation needs about ten
 * blocks or five methods; below, read F. Undefined for less than two blocks or methods, and where all methods tie
 * in every block.
 *
 * @param scores [blocks][methods]
 * @param better which scores get the low ranks
 */
export function friedman(
  scores: readonly (readonly number[])[],
  better: "higher" | "lower",
): Outcome<FriedmanTest> {
  const n = scores.length;
  const k = scores[0]?.length ?? 0;
  if (n < 2 || k < 2)
    return { reason: `ranks need at least two rows of two methods, and there are ${n} of ${k}` };
  const sums = new Float64Array(k);
  let tied = 0;
  scores.forEach((row, i) => {
    if (row.length !== k) {
      throw new VitreousError(
        `row ${i + 1} has ${row.length} scores, and the first has ${k}: rank complete rows only`,
      );
    }
    requireFinite(row, `row ${i + 1} of the scores to rank`);
    const { ranks, ties } = averageRanks(better === "higher" ? row.map((v) => -v) : row);
    ranks.forEach((rank, j) => {
      sums[j] = (sums[j] ?? 0) + rank;
    });
    for (const t of ties) tied += t ** 3 - t;
  });
  const greatest = n * n * (k ** 3 - k) - n * tied;
  if (greatest === 0) return { reason: `all ${k} methods tie in each of the ${n} rows` };
  // Sums of ranks are multiples of ½: W is exactly 1 where all rows agree.
  const w = (12 * sums.reduce((s, r) => s + (r - (n * (k + 1)) / 2) ** 2, 0)) / greatest;
  const statistic = n * (k - 1) * w;
  return {
    blocks: n,
    methods: k,
    meanRanks: [...sums].map((s) => s / n),
    w,
    chiSquared: { statistic, df: k - 1, p: chiSquaredSurvival(statistic, k - 1) },
    f: imanDavenport(n, k, w),
  };
}

function imanDavenport(n: number, k: number, w: number): FriedmanTest["f"] {
  if (w >= 1) return { reason: "all rows rank the methods alike, which makes F infinite" };
  const statistic = ((n - 1) * w) / (1 - w);
  const df = [k - 1, (k - 1) * (n - 1)] as const;
  return { statistic, df, p: fisherSurvival(statistic, ...df) };
}
