/**
 * @file What a study will take, before anything of it is computed: cells, units, forward passes, time and disk, counted
 * from the plan and a few measured passes of each model.
 */
import type { StudyDeclaration } from "../types.js";

/** Of one model as it is opened for one data set. */
export interface ModelCosts {
  /** Seconds for one image in a full batch: of a forward pass, */
  readonly forward: number;
  /** and of an explanation, by method id. Methods that do not work on this model are in `refused`. */
  readonly explanation: Readonly<Record<string, number>>;
  /** Why a method does not work on this model, by its id. */
  readonly refused: Readonly<Record<string, string>>;
  /** By metric id. */
  readonly metrics: Readonly<Record<string, MetricCosts>>;
  /** Values of a map on the token grid; 0 where the model has none. */
  readonly grid: number;
  readonly classes: number;
}

export interface MetricCosts {
  /** Inputs of a map's curve, those that no map changes left out. */
  readonly perMap: number;
  /** Inputs of an image that no map changes, the image itself left out. */
  readonly perImage: number;
  readonly points: number;
}

/** What one model on one data set takes. */
export interface PartEstimate {
  readonly dataset: string;
  readonly model: string;
  readonly images: number;
  /** Scores of single images: rows of the results. */
  readonly cells: number;
  /** Pieces that are computed and stored at once. */
  readonly units: number;
  readonly forwards: number;
  readonly explanations: number;
  /** Of one worker. */
  readonly seconds: number;
  readonly bytes: number;
}

/** A unit's file begins with its key, and takes whole blocks. */
const BLOCK = 4096;
/** A row of the results beside its curve: names, hashes, score, in the store, scores.parquet and scores.csv. */
const ROW = 600;
/** A number of a curve, in the store and in scores.parquet. */
const POINT = 16;

export function estimatePart(
  declaration: StudyDeclaration,
  part: {
    readonly dataset: string;
    readonly model: string;
    readonly images: number;
    readonly chunks: number;
  },
  costs: ModelCosts,
): PartEstimate {
  const { images, chunks } = part;
  const methods = declaration.methods.filter(({ id }) => costs.refused[id] === undefined);
  const metrics = declaration.metrics.map(
    ({ id }) => costs.metrics[id] ?? { perMap: 0, perImage: 0, points: 0 },
  );
  const { controls } = declaration;
  const maps = methods.length + controls.reduce((a, one) => a + (one === "inverted" ? methods.length : 1), 0);
  const sum = (of: (metric: MetricCosts) => number): number =>
    metrics.reduce((a, metric) => a + of(metric), 0);
  const forwards = images * (1 + sum((m) => m.perImage) + maps * sum((m) => m.perMap));
  const explaining = methods.reduce((a, { id }) => a + (costs.explanation[id] ?? 0), 0);
  const cells = images * maps * metrics.length;
  const units = chunks * (1 + metrics.length + methods.length + maps * metrics.length);
  return {
    dataset: part.dataset,
    model: part.model,
    images,
    cells,
    units,
    forwards,
    explanations: images * methods.length,
    seconds: forwards * costs.forward + images * explaining,
    bytes:
      units * BLOCK +
      cells * ROW +
      images * (maps * sum((m) => m.points) * POINT + 4 * (methods.length * costs.grid + costs.classes)),
  };
}

export interface StudyEstimate {
  readonly parts: readonly PartEstimate[];
  /** `seconds`: of all workers together, from the beginning to the end. */
  readonly total: Costs;
  /** What cannot be computed, and is not in the numbers: a sentence each. */
  readonly problems: readonly string[];
}

type Costs = Pick<PartEstimate, "cells" | "units" | "forwards" | "explanations" | "seconds" | "bytes">;

/** Workers share the work evenly, since each takes the next chunk when it is done with one. */
export function totalOf(parts: readonly PartEstimate[], workers: number): Costs {
  const sum = (key: keyof Costs): number => parts.reduce((a, part) => a + part[key], 0);
  return {
    cells: sum("cells"),
    units: sum("units"),
    forwards: sum("forwards"),
    explanations: sum("explanations"),
    seconds: sum("seconds") / workers,
    bytes: sum("bytes"),
  };
}
