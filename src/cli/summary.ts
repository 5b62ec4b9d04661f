/** @file Means over images with their intervals: what `evaluate` prints last and writes as `summary`. */
import { meanWithInterval } from "../stats/bootstrap.js";

/** How the intervals of the summary are made, for the record. */
export const INTERVALS = {
  method: "BCa bootstrap of the mean, by group",
  level: 0.95,
  resamples: 2000,
} as const;

export interface SummaryKey {
  readonly method: string;
  /** For a control made from a method's map: which method. */
  readonly of?: string;
  readonly metric: string;
  readonly direction: "higher" | "lower";
  readonly control: boolean;
}

export interface SummaryRow extends SummaryKey {
  readonly mean: number | undefined;
  readonly ci: readonly [number, number] | undefined;
  readonly n: number;
  /** Independent groups among the n images. */
  readonly groups: number;
  readonly reason?: string;
}

interface Collected {
  readonly key: SummaryKey;
  readonly values: number[];
  readonly groups: string[];
}

export interface Summary {
  add(key: SummaryKey, value: number, group: string): void;
  rows(seed: number): readonly SummaryRow[];
}

/** Collects values image by image; rows come in the order in which they were first seen. */
export function summary(): Summary {
  const collected = new Map<string, Collected>();
  return {
    add(key, value, group) {
      const id = JSON.stringify([key.method, key.of, key.metric]);
      let entry = collected.get(id);
      if (entry === undefined) {
        entry = { key, values: [], groups: [] };
        collected.set(id, entry);
      }
      entry.values.push(value);
      entry.groups.push(group);
    },
    rows: (seed) =>
      [...collected.values()].map(({ key, values, groups }) => {
        const {
          mean,
          interval,
          n,
          groups: count,
          reason,
        } = meanWithInterval(values, {
          groups,
          seed,
          level: INTERVALS.level,
          resamples: INTERVALS.resamples,
        });
        return { ...key, mean, ci: interval, n, groups: count, ...(reason === undefined ? {} : { reason }) };
      }),
  };
}
