/**
 * @file What units hold, as data and as the arrays that are stored: written by who computes them, read by who makes rows
 * and figures of them.
 */
import { z } from "zod";
import type { TokenMap } from "../../explain/method.js";
import type { MetricScore } from "../../metrics/metric.js";
import type { UnitArray, UnitResult } from "../store/unit.js";
import type { UnitKey } from "../types.js";

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

const count = z.int().nonnegative();
const byImage = <T extends z.ZodType>(value: T) => z.array(value.nullable()).readonly();

const predictionsValue = z.object({
  lengths: byImage(count),
  failed: z.record(z.string(), z.string()),
});
const mapsValue = z.object({ grids: byImage(z.tuple([count, count]).readonly()) });
const endpointsValue = z.object({ keys: byImage(z.array(z.string()).readonly()), classes: count });
const scoresValue = z.object({
  scores: byImage(
    z.object({
      points: count,
      // JSON has null for what is not finite.
      extra: z.record(z.string(), z.number().nullable()),
      notes: z.array(z.string()).readonly(),
      reason: z.string().nullable(),
    }),
  ),
});

const sum = (lengths: readonly (number | null)[]): number =>
  lengths.reduce<number>((a, b) => a + (b ?? 0), 0);

/**
 * Whether a unit is what is written of its kind for so many images: the readers below take it so. One that is not was
 * written by another version, and counts as none.
 */
export function isWellFormed({ kind, images }: UnitKey, { value, arrays }: UnitResult): boolean {
  const has = (
    array: UnitArray | undefined,
    type: typeof Float32Array | typeof Float64Array,
    length: number,
  ) => array instanceof type && array.length === length;
  switch (kind) {
    case "predictions": {
      const { success, data } = predictionsValue.safeParse(value);
      return (
        success &&
        data.lengths.length === images.length &&
        has(arrays.logits, Float32Array, sum(data.lengths))
      );
    }
    case "maps": {
      const { success, data } = mapsValue.safeParse(value);
      const sizes = data?.grids.map((grid) => grid && grid[0] * grid[1]) ?? [];
      return success && sizes.length === images.length && has(arrays.values, Float32Array, sum(sizes));
    }
    case "endpoints": {
      const { success, data } = endpointsValue.safeParse(value);
      const rows = sum(data?.keys.map((names) => names?.length ?? null) ?? []);
      return (
        success && data.keys.length === images.length && has(arrays.logits, Float32Array, rows * data.classes)
      );
    }
    case "scores": {
      const { success, data } = scoresValue.safeParse(value);
      const present = data?.scores.filter((scored) => scored !== null) ?? [];
      return (
        success &&
        data.scores.length === images.length &&
        has(arrays.score, Float64Array, present.length) &&
        has(arrays.curves, Float64Array, sum(present.map(({ points }) => points)))
      );
    }
  }
}

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
  const { lengths, failed } = value as z.output<typeof predictionsValue>;
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
  const { grids } = value as z.output<typeof mapsValue>;
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
  const { keys, classes } = value as z.output<typeof endpointsValue>;
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
  const { scores } = value as z.output<typeof scoresValue>;
  const score = taker(doubles(arrays.score));
  const curve = taker(doubles(arrays.curves));
  return scores.map((scored) => {
    if (scored === null) return null;
    const { points, notes, reason } = scored;
    const extra = Object.fromEntries(Object.entries(scored.extra).map(([k, v]) => [k, v ?? Number.NaN]));
    const [number = Number.NaN] = score(1);
    return { score: reason === null ? number : null, curve: [...curve(points)], extra, notes, reason };
  });
}
