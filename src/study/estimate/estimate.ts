/**
 * @file What a study will take, before anything of it is computed: cells, units, forward passes, time and disk, counted
 * from the plan and a few measured passes of each model.
 */
import { isDeclared, MISTAKEN_CLASSES } from "../run/mistakes.js";
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
  /** Names of its classes. */
  readonly labels: readonly string[];
}

export interface MetricCosts {
  /** Inputs of a map's curve, those that no map changes left out. */
  readonly perMap: number;
  /** Inputs of an image that no map changes, the image itself left out. */
  readonly perImage: number;
  readonly points: number;
}

/** What something takes. */
interface Work {
  /** Pieces that are computed and stored at once. */
  readonly units: number;
  readonly forwards: number;
  readonly explanations: number;
  /** Of one worker. */
  readonly seconds: number;
  readonly bytes: number;
}

/** What one model on one data set takes. */
export interface PartEstimate extends Work {
  readonly dataset: string;
  readonly model: string;
  readonly images: number;
  /** Scores of single images: rows of the results. */
  readonly cells: number;
  /**
   * At most so much more: the images that the model takes for another class are explained and scored by both classes, and
   * before it has seen them nobody knows how many there are. Not in the numbers above.
   */
  readonly mistakes: Work;
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
    /** Images with a label that the model knows: it may be wrong about each of them. */
    readonly labelled: number;
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
  const explaining = methods.reduce((a, { id }) => a + (costs.explanation[id] ?? 0), 0);
  /** Of `n` images in `pieces` chunks: so many maps scored, each image explained by every method so many times. */
  const workOf = (n: number, pieces: number, scored: number, times: number): Work => {
    const forwards = n * (1 + sum((m) => m.perImage) + scored * sum((m) => m.perMap));
    const units = pieces * (1 + metrics.length + times * methods.length + scored * metrics.length);
    const numbers = scored * sum((m) => m.points) * POINT;
    const logitsAndMaps = 4 * (times * methods.length * costs.grid + costs.labels.length);
    return {
      units,
      forwards,
      explanations: n * times * methods.length,
      seconds: forwards * costs.forward + n * times * explaining,
      bytes: units * BLOCK + n * (scored * metrics.length * ROW + numbers + logitsAndMaps),
    };
  };
  const mistaken = Math.min(declaration.report.misclassified, part.labelled);
  const more = MISTAKEN_CLASSES.filter((explained) => !isDeclared({ declaration }, explained)).length;
  return {
    dataset: part.dataset,
    model: part.model,
    images,
    cells: images * maps * metrics.length,
    ...workOf(images, chunks, maps, 1),
    mistakes: workOf(mistaken, Math.ceil(mistaken / declaration.run.unit), more * methods.length, more),
  };
}

export interface StudyEstimate {
  readonly parts: readonly PartEstimate[];
  /** `seconds`: of all workers together, from the beginning to the end. */
  readonly total: Costs;
  /** What cannot be computed, and is not in the numbers: a sentence each. */
  readonly problems: readonly string[];
}

type Costs = Work & Pick<PartEstimate, "cells" | "mistakes">;

/** Workers share the work evenly, since each takes the next chunk when it is done with one. */
export function totalOf(parts: readonly PartEstimate[], workers: number): Costs {
  const sum = (works: readonly Work[], key: keyof Work): number =>
    works.reduce((a, work) => a + work[key], 0);
  const all = (works: readonly Work[]): Work => ({
    units: sum(works, "units"),
    forwards: sum(works, "forwards"),
    explanations: sum(works, "explanations"),
    seconds: sum(works, "seconds") / workers,
    bytes: sum(works, "bytes"),
  });
  return {
    cells: parts.reduce((a, { cells }) => a + cells, 0),
    ...all(parts),
    mistakes: all(parts.map(({ mistakes }) => mistakes)),
  };
}
