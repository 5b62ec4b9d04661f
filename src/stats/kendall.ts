/**
 * @file Kendall's τ-b: how alike two metrics, or two data sets, order the same things.
 * Kendall, Rank Correlation Methods, 1970; Knuth, The Art of Computer Programming 3, §5.1.1, for the exact distribution.
 */
import { VitreousError } from "../onnx/errors.js";
import { type CorrelationMethod, noCorrelation, type RankCorrelation } from "./correlation.js";
import { normalCdf } from "./distributions/normal.js";
import type { Outcome } from "./outcome.js";
import { averageRanks } from "./ranks.js";

/** Time of the exact p grows with the fourth power of the number of values. */
const EXACT_VALUES = 100;

/**
 * τ-b = (concordant − discordant) / √((pairs − tied in x)(pairs − tied in y)), with its two-sided p (SciPy's
 * `kendalltau`): `auto` is exact without ties up to 33 values or up to one pair out of order, else normal with the
 * variance given the ties. Exact with ties is refused. Undefined below two values and where all of one list tie. Time grows
 * with the square of the number of values.
 */
export function kendallTau(
  x: readonly number[],
  y: readonly number[],
  method: CorrelationMethod = "auto",
): Outcome<RankCorrelation> {
  const none = noCorrelation(x, y);
  if (none) return none;
  const n = x.length;
  const pairs = (n * (n - 1)) / 2;
  let balance = 0;
  for (let i = 0; i < n; i++) {
    const [xi, yi] = [x[i] ?? 0, y[i] ?? 0];
    for (let j = 0; j < i; j++) balance += Math.sign(xi - (x[j] ?? 0)) * Math.sign(yi - (y[j] ?? 0));
  }
  const [tiesX, tiesY] = [averageRanks(x).ties, averageRanks(y).ties];
  const tied = (ties: readonly number[]) => ties.reduce((s, t) => s + (t * (t - 1)) / 2, 0);
  const scale = Math.sqrt((pairs - tied(tiesX)) * (pairs - tied(tiesY)));
  const coefficient = Math.min(1, Math.max(-1, balance / scale));

  const untied = tiesX.length === 0 && tiesY.length === 0;
  if (method === "exact" && !untied) {
    throw new VitreousError(
      "the exact p of Kendall's tau is for values without ties: use the asymptotic one",
    );
  }
  if (method === "exact" && n > EXACT_VALUES) {
    throw new VitreousError(`the exact p of Kendall's tau takes up to ${EXACT_VALUES} values, and got ${n}`);
  }
  const outOfOrder = (pairs - Math.abs(balance)) / 2;
  if (method === "exact" || (method === "auto" && untied && (n <= 33 || outOfOrder <= 1))) {
    return { coefficient, p: Math.min(1, 2 * inversionsAtMost(outOfOrder, n)), method: "exact", n };
  }
  const z = balance / Math.sqrt(variance(n, tiesX, tiesY));
  return { coefficient, p: Math.min(1, 2 * normalCdf(-Math.abs(z))), method: "asymptotic", n };
}

/** The chance that a random order of n values has at most `most` inversions. */
function inversionsAtMost(most: number, n: number): number {
  // The m-th value, put into the order of the others, makes 0 … m − 1 inversions, each as likely.
  let chance = new Float64Array(most + 1);
  chance[0] = 1;
  for (let m = 2; m <= n; m++) {
    const next = new Float64Array(most + 1);
    for (let c = 0; c <= most; c++) {
      let window = 0;
      for (let i = Math.max(0, c - m + 1); i <= c; i++) window += chance[i] ?? 0;
      next[c] = window / m;
    }
    chance = next;
  }
  return chance.reduce((s, p) => s + p, 0);
}

/** Of concordant − discordant pairs under no association, given the ties (Kendall 1970, §4.4). */
function variance(n: number, tiesX: readonly number[], tiesY: readonly number[]): number {
  const sum = (ties: readonly number[], f: (t: number) => number) => ties.reduce((s, t) => s + f(t), 0);
  const two = (t: number) => t * (t - 1);
  const three = (t: number) => two(t) * (t - 2);
  const five = (t: number) => two(t) * (2 * t + 5);
  const triples = sum(tiesX, three) * sum(tiesY, three);
  return (
    (five(n) - sum(tiesX, five) - sum(tiesY, five)) / 18 +
    (sum(tiesX, two) * sum(tiesY, two)) / (2 * two(n)) +
    (triples === 0 ? 0 : triples / (9 * three(n)))
  );
}
