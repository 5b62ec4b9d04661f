/**
 * @file What a set of images can tell: the least mean difference that a paired comparison would find, and how many
 * images a given difference takes. Both from the power of the two-sided paired t-test, exactly, by the noncentral t
 * distribution: the power is P(|T'| > t), with T' of n − 1 degrees of freedom and shift √n · difference / sd, t being
 * the α/2 quantile of Student's t (Cohen, Statistical Power Analysis, 1988, §2; statsmodels' `TTestPower`).
 * Wilcoxon's test needs π/3 ≈ 1.05 times as many pairs where differences are normal, and in large sets never more than
 * 1.16 times as many, whatever their distribution (Hodges & Lehmann, Annals of Mathematical Statistics 1956).
 */
import { VitreousError } from "../onnx/errors.js";
import { fallingTo } from "./distributions/root.js";
import { noncentralStudentBeyond, studentUpperQuantile } from "./distributions/student.js";
import type { Outcome } from "./outcome.js";

export interface PowerOptions {
  /** Chance of a false finding, default 0.05; after a correction for m comparisons, α / m. */
  readonly alpha?: number;
  /** Chance to find a difference that is there, default 0.8. */
  readonly power?: number;
}

/**
 * The chance that a paired t-test finds a mean difference.
 *
 * @param effect mean difference over the differences' standard deviation (d_z)
 * @param n independent pairs (patients or groups, not images, where images depend on each other), at least 2
 */
export function pairedPower(effect: number, n: number, alpha = 0.05): number {
  if (!Number.isSafeInteger(n) || n < 2 || !Number.isFinite(effect)) {
    throw new VitreousError(
      `power is of a finite effect in at least two pairs, and not of ${effect} in ${n}`,
    );
  }
  checkAlpha(alpha);
  return powerOf(effect, n, alpha);
}

function powerOf(effect: number, n: number, alpha: number): number {
  return powerBeyond(studentUpperQuantile(alpha / 2, n - 1), effect, n);
}

function powerBeyond(t: number, effect: number, n: number): number {
  return noncentralStudentBeyond(t, n - 1, Math.sqrt(n) * effect);
}

/**
 * The least mean difference, in the unit of `sd`, that n independent pairs show with the wanted power.
 *
 * @param sd standard deviation of the differences (n − 1)
 */
export function minimumDetectableDifference(
  n: number,
  sd: number,
  { alpha = 0.05, power = 0.8 }: PowerOptions = {},
): Outcome<number> {
  check(sd, alpha, power);
  if (!Number.isSafeInteger(n) || n < 0)
    throw new VitreousError(`a number of pairs must be whole, and is ${n}`);
  if (n < 2) return { reason: "one pair or none shows no spread, so no difference can be told from chance" };
  if (sd === 0) return { reason: NO_SPREAD };
  const t = studentUpperQuantile(alpha / 2, n - 1);
  return sd * fallingTo(1 - power, (effect) => 1 - powerBeyond(t, effect, n));
}

/** The least number of independent pairs that shows a mean difference of at least `difference` with the wanted power. */
export function pairsFor(
  difference: number,
  sd: number,
  { alpha = 0.05, power = 0.8 }: PowerOptions = {},
): Outcome<number> {
  check(sd, alpha, power);
  if (difference === 0 || !Number.isFinite(difference)) {
    throw new VitreousError(`the difference to find must be a number other than 0, and is ${difference}`);
  }
  if (sd === 0) return { reason: NO_SPREAD };
  const effect = Math.abs(difference) / sd;
  let enough = 2;
  while (powerOf(effect, enough, alpha) < power) {
    enough *= 2;
    if (enough > 1e6) return { reason: "more than a million pairs would be needed" };
  }
  let few = Math.max(1, enough / 2);
  while (enough - few > 1) {
    const n = Math.floor((few + enough) / 2);
    if (powerOf(effect, n, alpha) < power) few = n;
    else enough = n;
  }
  return enough;
}

const NO_SPREAD = "all differences are equal, so their spread beyond these pairs is unknown";

function check(sd: number, alpha: number, power: number): void {
  if (!(sd >= 0 && sd < Number.POSITIVE_INFINITY)) {
    throw new VitreousError(`a standard deviation must be a number from 0 on, and is ${sd}`);
  }
  checkAlpha(alpha);
  if (!(power > alpha && power < 1)) {
    throw new VitreousError(`power must lie between alpha (${alpha}) and 1, and is ${power}`);
  }
}

function checkAlpha(alpha: number): void {
  if (!(alpha > 0 && alpha < 1)) throw new VitreousError(`alpha must lie between 0 and 1, and is ${alpha}`);
}
