/**
 * @file Where values lie, and how many there are none of, and why: undefined values are counted beside the others, never
 * dropped unseen nor taken for 0.
 */
import { VitreousError } from "../onnx/errors.js";
import { quantile } from "./bootstrap.js";
import { type Finite, finite, isUndefined, type Outcome, type Undefined } from "./outcome.js";

export interface ReasonCount {
  readonly reason: string;
  readonly count: number;
}

export interface ValueSummary {
  /** Of defined values; what follows is of these alone, in their unit. */
  readonly n: number;
  /** Why the others are undefined, the most frequent reason first. */
  readonly undefined: readonly ReasonCount[];
  readonly mean: Outcome<Finite>;
  /** Sample standard deviation (n − 1). */
  readonly sd: Outcome<Finite>;
  readonly median: Outcome<Finite>;
  /** At the shares that were asked for, with linear interpolation (NumPy's default). */
  readonly quantiles: readonly { readonly share: number; readonly value: Outcome<Finite> }[];
}

/**
 * Summarises values in any order.
 *
 * @param shares of the quantiles, in [0, 1]; by default the least, the quartiles and the greatest
 */
export function summarise(
  values: readonly Outcome<Finite>[],
  shares: readonly number[] = [0, 0.25, 0.5, 0.75, 1],
): ValueSummary {
  const outside = shares.find((share) => !(share >= 0 && share <= 1));
  if (outside !== undefined)
    throw new VitreousError(`a quantile's share must lie between 0 and 1, and is ${outside}`);
  // Sums go over sorted values, so that the order in which images were computed changes no digit.
  const defined = Float64Array.from(values.filter((v): v is Finite => !isUndefined(v))).sort();
  const reasons = countReasons(values.filter(isUndefined));
  const n = defined.length;
  const none: Undefined = { reason: noneBecause(reasons) };
  const of = (compute: () => number): Outcome<Finite> =>
    n === 0 ? none : finite(compute(), "the values are too large to be summed");
  const mean = defined.reduce((s, v) => s + v, 0) / n;
  const deviation = () => Math.sqrt(defined.reduce((s, v) => s + (v - mean) ** 2, 0) / (n - 1));
  return {
    n,
    undefined: reasons,
    mean: of(() => mean),
    sd: n === 1 ? { reason: "a single value has no spread" } : of(deviation),
    median: of(() => quantile(defined, 0.5)),
    quantiles: shares.map((share) => ({ share, value: of(() => quantile(defined, share)) })),
  };
}

/** How often each reason is given: the most frequent first, then by the alphabet. */
export function countReasons(undefinedValues: readonly Undefined[]): readonly ReasonCount[] {
  const counts = new Map<string, number>();
  for (const { reason } of undefinedValues) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  return [...counts]
    .map(([reason, count]) => ({ reason, count }))
    .sort((a, b) => b.count - a.count || (a.reason < b.reason ? -1 : 1));
}

function noneBecause(reasons: readonly ReasonCount[]): string {
  if (reasons.length === 0) return "there are no values";
  return `no value is defined: ${reasons.map(({ reason, count }) => `${reason} (${count})`).join(", ")}`;
}
