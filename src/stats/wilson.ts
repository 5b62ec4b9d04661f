/**
 * @file The interval of a share of independent trials. Wilson's holds its coverage where few images are wrong, which
 * is where good classifiers are and where the textbook interval shrinks to nothing.
 * Wilson, "Probable inference, the law of succession, and statistical inference", JASA 1927.
 */
import { normalQuantile } from "./distributions/normal.js";

/**
 * Wilson's score interval, without continuity correction (statsmodels' `proportion_confint(method="wilson")`);
 * undefined for no trials.
 *
 * @param level coverage
 */
export function wilsonInterval(
  successes: number,
  trials: number,
  level = 0.95,
): readonly [number, number] | undefined {
  if (trials === 0) return undefined;
  const z = normalQuantile(0.5 + level / 2);
  const share = successes / trials;
  const center = share + (z * z) / (2 * trials);
  const half = z * Math.sqrt((share * (1 - share)) / trials + (z * z) / (4 * trials * trials));
  const scale = 1 + (z * z) / trials;
  // At 0 and all successes an end is the share itself; rounding must not put it beside.
  return [
    successes === 0 ? 0 : Math.max(0, (center - half) / scale),
    successes === trials ? 1 : Math.min(1, (center + half) / scale),
  ];
}
