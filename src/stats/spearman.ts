/**
 * @file Spearman's ρ: the correlation of ranks. Spearman, American Journal of Psychology 1904.
 */
import { VitreousError } from "../onnx/errors.js";
import { type CorrelationMethod, noCorrelation, type RankCorrelation } from "./correlation.js";
import { studentSurvival } from "./distributions/student.js";
import type { Outcome } from "./outcome.js";
import { averageRanks } from "./ranks.js";

/** 9! orders are counted through in well under a second. */
const EXACT_VALUES = 9;

/**
 * Pearson's correlation of mean ranks, with its two-sided p. `asymptotic` is Student's t of ρ √((n−2) / (1−ρ²)) with n − 2
 * degrees of freedom (SciPy's `spearmanr`), which says p = 0 of any perfect order, three values even; `auto` therefore
 * counts all orders up to nine values (SciPy's `permutation_test` of pairings, where |ρ| counts). Undefined below two
 * values and where all of one list tie; `asymptotic` also for two values.
 */
export function spearmanRho(
  x: readonly number[],
  y: readonly number[],
  method: CorrelationMethod = "auto",
): Outcome<RankCorrelation> {
  const none = noCorrelation(x, y);
  if (none) return none;
  const n = x.length;
  // Doubled and centred ranks are whole numbers, so all sums are exact.
  const [a, b] = [x, y].map((values) => averageRanks(values).ranks.map((rank) => 2 * rank - (n + 1)));
  if (a === undefined || b === undefined) throw new Error("two lists give two rankings");
  const product = dot(a, b);
  const coefficient = Math.min(1, Math.max(-1, product / Math.sqrt(dot(a, a) * dot(b, b))));

  if (method === "exact" && n > EXACT_VALUES) {
    throw new VitreousError(`the exact p of Spearman's rho takes up to ${EXACT_VALUES} values, and got ${n}`);
  }
  if (method === "exact" || (method === "auto" && n <= EXACT_VALUES)) {
    return { coefficient, p: shareOfOrders(a, b, Math.abs(product)), method: "exact", n };
  }
  if (n === 2) return { reason: "two values leave no degree of freedom to Student's t" };
  const t = Math.abs(coefficient) * Math.sqrt((n - 2) / ((1 + coefficient) * (1 - coefficient)));
  return { coefficient, p: 2 * studentSurvival(t, n - 2), method: "asymptotic", n };
}

function dot(a: Float64Array, b: Float64Array): number {
  return a.reduce((s, v, i) => s + v * (b[i] ?? 0), 0);
}

/** The share of all orders of b whose product with a is at least `least` away from 0 (Heap's algorithm). */
function shareOfOrders(a: Float64Array, b: Float64Array, least: number): number {
  const order = b.slice();
  const n = order.length;
  let product = dot(a, order);
  let beyond = 0;
  let count = 0;
  const visit = (size: number): void => {
    if (size === 1) {
      count++;
      if (Math.abs(product) >= least) beyond++;
      return;
    }
    for (let i = 0; i < size; i++) {
      visit(size - 1);
      if (i === size - 1) break;
      const from = size % 2 === 0 ? i : 0;
      const last = size - 1;
      const [u, v] = [order[from] ?? 0, order[last] ?? 0];
      product += ((a[from] ?? 0) - (a[last] ?? 0)) * (v - u);
      order[from] = v;
      order[last] = u;
    }
  };
  visit(n);
  return beyond / count;
}
