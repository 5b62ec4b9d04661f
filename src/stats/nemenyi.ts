/**
 * @file Nemenyi's test after Friedman's: which methods differ, and which the data cannot tell apart; all that a
 * critical-difference diagram shows. Nemenyi, PhD thesis, Princeton 1963; Demšar, JMLR 7, 2006, §3.2.2 and figure 1.
 */
import { VitreousError } from "../onnx/errors.js";
import { rangeSurvival, rangeUpperQuantile } from "./distributions/studentised-range.js";
import type { FriedmanTest } from "./friedman.js";

export interface NemenyiTest {
  readonly alpha: number;
  /** Mean ranks that lie less than this apart do not differ at `alpha`. */
  readonly criticalDifference: number;
  /** [method][method], symmetric, 1 on the diagonal; already corrected for the number of comparisons. */
  readonly p: readonly (readonly number[])[];
  /**
   * Sets of two or more methods that do not differ among themselves, as large as possible: the bars of the diagram.
   * Methods by number, the best mean rank first; they may overlap.
   */
  readonly groups: readonly (readonly number[])[];
}

/**
 * Critical difference q √(k(k+1) / 6n), q being the upper α-quantile of the range of k standard normal variables over
 * √2. P-values as scikit-posthocs' `posthoc_nemenyi_friedman`. To be read where Friedman's test finds a difference.
 */
export function nemenyi(
  { meanRanks, blocks, methods }: Pick<FriedmanTest, "meanRanks" | "blocks" | "methods">,
  alpha = 0.05,
): NemenyiTest {
  if (!(alpha > 0 && alpha < 1)) throw new VitreousError(`alpha must lie between 0 and 1, and is ${alpha}`);
  // The range of k normal variables is √2 times their greatest standardised difference.
  const unit = Math.sqrt((methods * (methods + 1)) / (12 * blocks));
  const criticalDifference = rangeUpperQuantile(alpha, methods) * unit;
  return {
    alpha,
    criticalDifference,
    p: meanRanks.map((a) => meanRanks.map((b) => rangeSurvival(Math.abs(a - b) / unit, methods))),
    groups: alike(meanRanks, criticalDifference),
  };
}

function alike(meanRanks: readonly number[], criticalDifference: number): readonly (readonly number[])[] {
  const order = meanRanks.map((rank, method) => ({ rank, method })).sort((a, b) => a.rank - b.rank);
  let reached = 0;
  return order.flatMap(({ rank }, start) => {
    let end = start + 1;
    while ((order[end]?.rank ?? Number.POSITIVE_INFINITY) - rank < criticalDifference) end++;
    // A bar that ends where an earlier one does is part of it.
    if (end <= reached || end - start < 2) return [];
    reached = end;
    return [order.slice(start, end).map(({ method }) => method)];
  });
}
