/** @file What a data set is large enough to tell, said before anybody reads "no difference" out of "none found". */
import { quantile } from "../../stats/bootstrap.js";
import { describeSetSize } from "../../stats/set-size.js";
import type { EstimateSettings } from "./estimate.js";
import type { ColumnKey, Comparison, Detectability, Estimate } from "./types.js";

/**
 * Of a column's comparisons of rows; undefined where there is none.
 *
 * @param scores of the column's rows
 */
export function detectability(
  { dataset, metric }: ColumnKey,
  scores: readonly Estimate[],
  comparisons: readonly Comparison[],
  { alpha, power }: EstimateSettings,
): Detectability | undefined {
  const pairs = comparisons.filter((c) => c.kind === "rows");
  if (pairs.length === 0) return undefined;
  const corrected = alpha / Math.max(1, pairs.filter((c) => c.test !== null).length);
  const groups = Math.min(...pairs.map((c) => c.groups));
  const images = Math.min(...pairs.map((c) => c.n));
  const least = Float64Array.from(pairs.flatMap((c) => c.detectable ?? [])).sort();
  const median = least.length === 0 ? null : quantile(least, 0.5);
  const means = scores.flatMap((s) => s.mean ?? []);
  const span = means.length < 2 ? null : Math.max(...means) - Math.min(...means);
  const what = groups < images ? "groups of images" : "images";
  const deviations = Float64Array.from(pairs.flatMap((c) => c.effect?.deviation ?? [])).sort();
  const deviation = deviations.length === 0 ? 0 : quantile(deviations, 0.5);
  const { tooSmall, sentence } = describeSetSize({
    n: groups,
    sd: deviation,
    ...(span === null || span === 0 ? {} : { difference: span }),
    alpha: Number(corrected.toPrecision(2)),
    power,
    what,
  });
  return {
    dataset,
    metric,
    groups,
    power,
    alpha: corrected,
    median,
    largest: least.at(-1) ?? null,
    span,
    tooSmall,
    sentence,
  };
}
