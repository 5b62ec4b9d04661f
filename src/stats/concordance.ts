/**
 * @file Kendall's W: how far several judges (metrics, models, data sets) rank the same items alike.
 * Kendall & Babington Smith, Annals of Mathematical Statistics 1939.
 */
import { friedman } from "./friedman.js";
import { isUndefined, type Outcome } from "./outcome.js";

export interface Concordance {
  /** From 0, no agreement, to 1, the same order by all; corrected for ties. */
  readonly w: number;
  /** Of W = 0, from χ² = judges (items − 1) W with items − 1 degrees of freedom. */
  readonly p: number;
  readonly judges: number;
  readonly items: number;
}

/**
 * Concordance of the rows' rankings of the columns; Friedman's statistic on the scale from 0 to 1. Undefined for less
 * than two judges or items, and where every judge ties all items.
 *
 * @param scores [judges][items]
 */
export function kendallW(scores: readonly (readonly number[])[]): Outcome<Concordance> {
  const test = friedman(scores, "lower");
  if (isUndefined(test)) return test;
  return { w: test.w, p: test.chiSquared.p, judges: test.blocks, items: test.methods };
}
