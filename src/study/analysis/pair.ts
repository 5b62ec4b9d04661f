/** @file Two rows of a column on the same images: how far they differ, how sure that is, and what could have been found. */
import { cohenDz, pairedSpread } from "../../stats/effect-size.js";
import { isUndefined, type Outcome } from "../../stats/outcome.js";
import { signFlipTest } from "../../stats/sign-flip.js";
import { wilcoxon } from "../../stats/wilcoxon.js";
import type { Collected } from "./collect.js";
import { type EstimateSettings, estimate } from "./estimate.js";
import type { Comparison, EffectSize, TestResult } from "./types.js";

/** A comparison before it is known with how many others it is corrected. */
export interface Pair extends Pick<Comparison, "n" | "groups" | "difference" | "better" | "effect"> {
  readonly test: Outcome<Omit<TestResult, "adjusted" | "family" | "significant">>;
}

/**
 * Compares a with b on the images that have both scores. Means over groups are tested, since images of one group are not
 * independent; the permutation test changes the signs of whole groups itself.
 *
 * @param groupOf a label for each image of the data set
 */
export function comparePair(
  a: Collected,
  b: Collected,
  groupOf: readonly string[],
  direction: "higher" | "lower",
  settings: EstimateSettings,
): Pair {
  const both = groupOf.flatMap((group, i) => {
    const [x, y] = [a.values[i] ?? null, b.values[i] ?? null];
    return x === null || y === null ? [] : [{ group, x, y }];
  });
  const grouped = groupMeans(both);
  const xs = grouped.map((g) => g.x);
  const ys = grouped.map((g) => g.y);
  const difference = estimate(
    both.map(({ x, y }) => x - y),
    both.map(({ group }) => group),
    settings,
  );
  const signed = (difference.mean ?? 0) * (direction === "higher" ? 1 : -1);
  return {
    n: both.length,
    groups: grouped.length,
    difference,
    better: signed > 0 ? "a" : signed < 0 ? "b" : null,
    test:
      settings.test === "wilcoxon"
        ? wilcoxonOf(xs, ys)
        : permutationOf(both, settings.resamples, settings.seed),
    effect: grouped.length === 0 ? null : effectOf(xs, ys, direction),
  };
}

interface Both {
  readonly group: string;
  readonly x: number;
  readonly y: number;
}

function groupMeans(both: readonly Both[]): readonly Omit<Both, "group">[] {
  const byGroup = new Map<string, { x: number; y: number; n: number }>();
  for (const { group, x, y } of both) {
    const sums = byGroup.get(group) ?? { x: 0, y: 0, n: 0 };
    byGroup.set(group, { x: sums.x + x, y: sums.y + y, n: sums.n + 1 });
  }
  return [...byGroup.values()].map(({ x, y, n }) => ({ x: x / n, y: y / n }));
}

function wilcoxonOf(xs: readonly number[], ys: readonly number[]): Pair["test"] {
  const test = wilcoxon(xs, ys);
  if (isUndefined(test)) return test;
  return {
    name: "wilcoxon",
    statistic: Math.min(test.positive, test.negative),
    p: test.p,
    computation: test.method,
  };
}

function permutationOf(both: readonly Both[], resamples: number, seed: number): Pair["test"] {
  const test = signFlipTest(
    both.map(({ x }) => x),
    both.map(({ y }) => y),
    { groups: both.map(({ group }) => group), resamples, seed },
  );
  if (isUndefined(test)) return test;
  return { name: "permutation", statistic: test.meanDifference, p: test.p, computation: test.method };
}

function effectOf(xs: readonly number[], ys: readonly number[], direction: "higher" | "lower"): EffectSize {
  const ranked = wilcoxon(xs, ys);
  const standardised = cohenDz(xs, ys);
  const spread = pairedSpread(xs, ys);
  const sign = direction === "higher" ? 1 : -1;
  const wins = xs.reduce((sum, x, i) => sum + (Math.sign(sign * (x - (ys[i] ?? 0))) + 1) / 2, 0);
  return {
    rankBiserial: isUndefined(ranked) ? null : ranked.rankBiserial,
    standardised: isUndefined(standardised) ? null : standardised,
    deviation: isUndefined(spread) ? null : spread.sd,
    wins: wins / xs.length,
  };
}
