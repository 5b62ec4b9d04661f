/**
 * @file Holm's correction: p-values of several comparisons, raised so that the chance of any false finding among them
 * stays below the level. Holm, "A simple sequentially rejective multiple test procedure", Scand. J. Stat. 1979.
 */
import { VitreousError } from "../onnx/errors.js";
import { isUndefined, type Outcome } from "./outcome.js";

/**
 * Adjusted p-values in the order given (statsmodels' `multipletests(method="holm")`). Comparisons without a p-value
 * keep their reason and do not count among the others (as R's `p.adjust` does).
 */
export function holm(pValues: readonly Outcome<number>[]): readonly Outcome<number>[] {
  const tested = pValues.flatMap((p, i) => {
    if (isUndefined(p)) return [];
    if (!(p >= 0 && p <= 1))
      throw new VitreousError(`p-value ${i + 1} is ${p}, and must lie between 0 and 1`);
    return [{ p, i }];
  });
  const adjusted = [...pValues];
  let highest = 0;
  tested
    .sort((a, b) => a.p - b.p)
    .forEach(({ p, i }, rank) => {
      highest = Math.max(highest, Math.min(1, p * (tested.length - rank)));
      adjusted[i] = highest;
    });
  return adjusted;
}
