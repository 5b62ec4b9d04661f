/** @file What SciPy, statsmodels and scikit-posthocs say (test/oracle/stats.py), and how close we must come. */
import { readFileSync } from "node:fs";
import { expect } from "vitest";
import { isUndefined, type Outcome } from "../outcome.js";
import type { WilcoxonOptions } from "../wilcoxon.js";

export interface Pairs {
  readonly x: readonly number[];
  readonly y: readonly number[];
}

interface Goldens {
  /** Arguments, then the value. */
  readonly distributions: Readonly<Record<string, readonly (readonly number[])[]>>;
  readonly wilcoxon: readonly (Pairs & {
    readonly options: WilcoxonOptions;
    readonly p: number;
    readonly statistic: number;
    readonly absZ: number | null;
  })[];
  readonly signFlip: {
    readonly exact: readonly (Pairs & { readonly groups?: readonly string[]; readonly p: number })[];
    readonly monteCarlo: Pairs & { readonly p: number };
  };
  readonly effects: Pairs & { readonly dz: number };
  readonly holm: readonly { readonly p: readonly number[]; readonly adjusted: readonly number[] }[];
  readonly friedman: Readonly<
    Record<
      string,
      {
        readonly scores: readonly (readonly number[])[];
        readonly meanRanks: readonly number[];
        readonly chiSquared: number;
        readonly p: number;
        readonly f: number;
        readonly pOfF: number;
        readonly w: number;
        readonly nemenyi: readonly (readonly number[])[];
        readonly criticalDifference: Readonly<Record<string, number>>;
      }
    >
  >;
  readonly correlations: readonly (Pairs & {
    readonly tau: number;
    readonly tauP: number;
    readonly tauAsymptoticP: number;
    readonly rho: number;
    readonly rhoAsymptoticP: number;
    readonly rhoExactP?: number;
  })[];
  readonly power: {
    readonly power: readonly (readonly [number, number, number, number])[];
    readonly detectable: readonly (readonly [number, number, number, number])[];
    readonly pairs: readonly (readonly [number, number, number, number])[];
  };
}

export const goldens: Goldens = JSON.parse(
  readFileSync(new URL("../../../test/fixtures/stats.json", import.meta.url), "utf8"),
);

/** Within 1e-10 of the golden, and in small tails within 1e-9 of its size. */
export function expectClose(value: number, golden: number): void {
  expect(Math.abs(value - golden)).toBeLessThanOrEqual(Math.min(1e-10, 1e-9 * Math.abs(golden)) + 1e-300);
}

/** The outcome, which must be defined. */
export function defined<T>(outcome: Outcome<T>): T {
  if (isUndefined(outcome)) throw new Error(`undefined: ${outcome.reason}`);
  return outcome;
}
