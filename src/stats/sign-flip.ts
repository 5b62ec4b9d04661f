/**
 * @file The paired permutation test: were the two methods alike, each difference could as well have had the other sign.
 * Images of one patient or one near-duplicate cluster change their signs together, since they are not independent.
 * Fisher, The Design of Experiments, 1935, §21; Phipson & Smyth, "Permutation p-values should never be zero", 2010.
 */
import { VitreousError } from "../onnx/errors.js";
import { uniform } from "../random.js";
import type { Outcome } from "./outcome.js";
import { pairedDifferences } from "./paired.js";

export interface SignFlipOptions {
  /** A group label for each pair; without labels each pair is a group. */
  readonly groups?: readonly string[];
  /** Random sign changes where there are more than 30 groups; default 9999. */
  readonly resamples?: number;
  readonly seed?: number;
}

export interface SignFlipTest {
  /** Two-sided. By Monte Carlo it counts the data themselves too, so is at least 1 / (resamples + 1). */
  readonly p: number;
  readonly method: "exact" | "monte-carlo";
  /** Mean of x − y over the pairs, in their unit. */
  readonly meanDifference: number;
  readonly pairs: number;
  readonly groups: number;
}

/** Two halves of 15 groups have 2¹⁵ sums each. */
const EXACT_GROUPS = 30;

/**
 * Two-sided test that x − y is symmetric about 0, by the mean difference (SciPy's `permutation_test` with
 * `permutation_type="samples"`); each pair weighs the same, whatever its group. Exact, over all 2ᵍ sign changes, up
 * to 30 groups. Pairs that do not differ change nothing; p is 1 where none differ. Undefined without pairs; with
 * fewer than six groups p cannot fall below 0.05.
 */
export function signFlipTest(
  x: readonly number[],
  y: readonly number[],
  options: SignFlipOptions = {},
): Outcome<SignFlipTest> {
  const differences = pairedDifferences(x, y);
  const pairs = differences.length;
  if (pairs === 0) return { reason: "there are no pairs to compare" };
  const { resamples = 9999, seed = 0 } = options;
  if (!Number.isSafeInteger(resamples) || resamples < 1) {
    throw new VitreousError(`resamples must be a whole number from 1 on, and is ${resamples}`);
  }
  const sums = groupSums(differences, options.groups);
  const observed = Math.abs(sums.reduce((s, v) => s + v, 0));
  // Sums that differ by rounding alone are equal.
  const least = observed - 1e-13 * sums.reduce((s, v) => s + Math.abs(v), 0);
  const base = {
    meanDifference: differences.reduce((s, d) => s + d, 0) / pairs,
    pairs,
    groups: sums.length,
  };
  if (sums.length <= EXACT_GROUPS) return { p: exactShare(sums, least), method: "exact", ...base };

  const next = uniform(seed);
  let beyond = 0;
  for (let b = 0; b < resamples; b++) {
    // Each number drawn has 32 signs in it.
    let sum = 0;
    let signs = 0;
    for (let i = 0; i < sums.length; i++) {
      signs = i % 32 === 0 ? next() * 2 ** 32 : signs >>> 1;
      const s = sums[i] ?? 0;
      sum += signs & 1 ? s : -s;
    }
    if (Math.abs(sum) >= least) beyond++;
  }
  return { p: (beyond + 1) / (resamples + 1), method: "monte-carlo", ...base };
}

/** The share of all sign changes whose sum is at least `least` away from 0. */
function exactShare(sums: readonly number[], least: number): number {
  if (least <= 0) return 1;
  const half = sums.length >> 1;
  const left = signedSums(sums.slice(0, half));
  const right = signedSums(sums.slice(half));
  // As the left sum rises, ever more of the right ones reach far enough with it.
  let count = 0;
  let from = right.length;
  for (const sum of left) {
    while (from > 0 && sum + (right[from - 1] ?? 0) >= least) from--;
    count += right.length - from;
  }
  return (2 * count) / 2 ** sums.length;
}

/** The sums of all 2ⁿ sign changes, ascending. */
function signedSums(values: readonly number[]): Float64Array {
  let sums = new Float64Array([0]);
  for (const v of values) sums = Float64Array.from([...sums.map((s) => s - v), ...sums.map((s) => s + v)]);
  return sums.sort();
}

function groupSums(differences: Float64Array, labels: readonly string[] | undefined): readonly number[] {
  if (labels === undefined) return [...differences];
  if (labels.length !== differences.length) {
    throw new VitreousError(
      `${differences.length} pairs need as many group labels, and got ${labels.length}`,
    );
  }
  const byLabel = new Map<string, number>();
  labels.forEach((label, i) => {
    byLabel.set(label, (byLabel.get(label) ?? 0) + (differences[i] ?? 0));
  });
  return [...byLabel.values()];
}
