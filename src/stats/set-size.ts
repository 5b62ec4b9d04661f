/** @file Says in a plain sentence what a set of images can tell, and when it is too small to tell what was asked. */
import { isUndefined } from "./outcome.js";
import { minimumDetectableDifference, type PowerOptions, pairsFor } from "./power.js";

export interface SetSizeQuestion extends PowerOptions {
  /** Independent pairs: images, or groups of them where images depend on each other. */
  readonly n: number;
  /** Standard deviation of the paired differences. */
  readonly sd: number;
  /** The mean difference that would matter, in the unit of `sd`. Chosen before the data are seen, not the one found. */
  readonly difference?: number;
  /** What is counted, in the plural; default "images". */
  readonly what?: string;
}

export interface SetSizeAnswer {
  readonly tooSmall: boolean;
  readonly sentence: string;
}

/**
 * The minimum detectable difference as a sentence for a report. A set is too small where no paired rank or permutation
 * test could reach α (2¹⁻ⁿ > α), or where the difference that matters would be missed more often than the power allows.
 */
export function describeSetSize(question: SetSizeQuestion): SetSizeAnswer {
  const { n, sd, difference, alpha = 0.05, power = 0.8, what = "images" } = question;
  // All n differences of one sign are the strongest that ranks and sign changes can see.
  const fewest = Math.ceil(1 - Math.log2(alpha));
  if (n < fewest) {
    return {
      tooSmall: true,
      sentence: `${n} ${what} are too few: no paired test can reach p ≤ ${alpha} with fewer than ${fewest}.`,
    };
  }
  const detectable = minimumDetectableDifference(n, sd, { alpha, power });
  if (isUndefined(detectable)) {
    return { tooSmall: false, sentence: `What ${n} ${what} can tell is unknown: ${detectable.reason}.` };
  }
  const odds = `in ${share(power)} of such studies (two-sided, α = ${alpha})`;
  const least = `a mean difference of ${short(detectable)} or more is found ${odds}`;
  if (difference === undefined || Math.abs(difference) >= detectable) {
    return { tooSmall: false, sentence: `With ${n} ${what}, ${least}.` };
  }
  const needed = pairsFor(difference, sd, { alpha, power });
  const remedy = isUndefined(needed) ? needed.reason : `${needed} would be needed`;
  return {
    tooSmall: true,
    sentence: `${n} ${what} are too few to tell a mean difference of ${short(Math.abs(difference))}: only ${least}; ${remedy}.`,
  };
}

function short(value: number): string {
  return String(Number(value.toPrecision(2)));
}

function share(value: number): string {
  return `${Number((100 * value).toPrecision(3))} %`;
}
