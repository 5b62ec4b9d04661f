/**
 * @file What units hold, as data and as the arrays that are stored: written by who computes them, read by who makes rows
 * and figures of them.
 */
import type { TokenMap } from "../../explain/method.js";
import type { MetricScore } from "../../metrics/metric.js";
import type { UnitArray, UnitResult } from "../store/unit.js";

/** By the image's place in its chunk. */
export interface Predictions {
  /** null where the image could not be used. */
  readonly logits: readonly (Float32Array | null)[];
  /** Why not. */
  readonly failed: Readonly<Record<number, string>>;
}

/** null: the image could not be used, or has no class to explain. */
export type ByImage<T> = readonly (T | null)[];

export type Endpoints = ReadonlyMap<string, Float32Array>;

/** A score, or why there is none. */
export type Scored = Omit<MetricScore, "auc"> & {
  readonly score: number | null;
  readonly reason: string | null;
};

const floats = (array: UnitArray | undefined): Float32Array => {
  if (array instanceof Float32Array) return array;
  throw new TypeError("a unit lacks an array of float32");
};
const doubles = (array: UnitArray | undefined): Float64Array => {
  if (array instanceof Float64Array) return array;
  throw new TypeError("a unit lacks an array of float64");
};

function concatenated(rows: readonly Float32Array[]): Float32Array {
  const out = new Float32Array(rows.reduce((sum, row) => sum + row.length, 0));
  let at = 0;
  for (const row of rows) {
    out.set(row, at);
    at += row.length;
  }
  return out;
}

/** Takes arrays of known lengths one after the other. */
function taker<T extends Float32Array | Float64Array>(array: T): (length: number) => T {
  let at = 0;
  return (length) => {
    at += length;
    return array.slice(at - length, at) as T;
  };
}

export function writePredictions({ logits, failed }: Predictions): UnitResult {
  const lengths = logits.map((row) => row?.length ?? null);
  return {
    value: { lengths, failed },
    arrays: { logits: concatenated(logits.flatMap((row) => (row === null ? [] : [row]))) },
  };
}

export function readPredictions({ value, arrays }: UnitResult): Predictions {
  const { lengths, failed } = value as {
    lengths: readonly (number | null)[];
    failed: Predictions["failed"];
  };
  const take = taker(floats(arrays.logits));
  return { logits: lengths.map((length) => (length === null ? null : take(length))), failed };
}

export function writeMaps(maps: ByImage<TokenMap>): UnitResult {
  return {
    value: { grids: maps.map((map) => map?.grid ?? null) },
    arrays: { values: concatenated(maps.flatMap((map) => (map === null ? [] : [map.values]))) },
  };
}

export function readMaps({ value, arrays }: UnitResult): ByImage<TokenMap> {
  const { grids } = value as { grids: readonly (readonly [number, number] | null)[] };
  const take = taker(floats(arrays.values));
  return grids.map((grid) => (grid === null ? null : { grid, values: take(grid[0] * grid[1]) }));
}

export function writeEndpoints(endpoints: ByImage<Endpoints>): UnitResult {
  const rows = endpoints.flatMap((known) => (known === null ? [] : [...known.values()]));
  return {
    value: {
      keys: endpoints.map((known) => (known === null ? null : [...known.keys()])),
      classes: rows[0]?.length ?? 0,
    },
    arrays: { logits: concatenated(rows) },
  };
}

export function readEndpoints({ value, arrays }: UnitResult): ByImage<Endpoints> {
  const { keys, classes } = value as { keys: readonly (readonly string[] | null)[]; classes: number };
  const take = taker(floats(arrays.logits));
  return keys.map((names) => (names === null ? null : new Map(names.map((name) => [name, take(classes)]))));
}

export function writeScores(scores: ByImage<Scored>): UnitResult {
  const present = scores.flatMap((scored) => (scored === null ? [] : [scored]));
  return {
    value: {
      scores: scores.map(
        (scored) =>
          scored && {
            points: scored.curve.length,
            extra: scored.extra,
            notes: scored.notes,
            reason: scored.reason,
          },
      ),
    },
    arrays: {
      // null where there is a reason.
      score: Float64Array.from(present, ({ score }) => score ?? Number.NaN),
      curves: Float64Array.from(present.flatMap(({ curve }) => curve)),
    },
  };
}

export function readScores({ value, arrays }: UnitResult): ByImage<Scored> {
  const { scores } = value as {
    scores: readonly ((Pick<Scored, "extra" | "notes" | "reason"> & { readonly points: number }) | null)[];
  };
  const score = taker(doubles(arrays.score));
  const curve = taker(doubles(arrays.curves));
  return scores.map((scored) => {
    if (scored === null) return null;
    const { points, extra, notes, reason } = scored;
    const [number = Number.NaN] = score(1);
    return { score: reason === null ? number : null, curve: [...curve(points)], extra, notes, reason };
  });
}
