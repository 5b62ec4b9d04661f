/**
 * @file From what study files say to a declaration with everything settled. All mistakes are found at once, each with
 * its place.
 */
import { VitreousError } from "../../onnx/errors.js";
import type { StudyCheckpoint, StudyDataset, StudyDeclaration, StudyModel } from "../types.js";
import { DEFAULTS } from "./defaults.js";
import type { KeyPath } from "./document.js";
import { studyMethod, studyMetric } from "./named.js";
import {
  type CheckpointEntry,
  type DatasetEntry,
  ID,
  MODEL_KEYS,
  type ModelEntry,
  type NamedEntry,
  type StudyEntries,
} from "./schema.js";

/** Tells of a mistake in the value at a path, as the rest of a sentence that begins with its place. */
export type Complain = (path: KeyPath, message: string) => void;

/**
 * @param name What the study is called where it has no title.
 * @returns undefined when there was a complaint.
 */
export function resolveEntries(
  entries: StudyEntries,
  name: string,
  complain: Complain,
): StudyDeclaration | undefined {
  let mistakes = 0;
  const told: Complain = (path, message) => {
    mistakes++;
    complain(path, message);
  };
  const datasets = resolveDatasets(entries.datasets ?? {}, told);
  const ids = present(entries.datasets ?? {}).map(([id]) => id);
  const models = resolveModels(entries.models ?? {}, ids, told);
  for (const id of ids) {
    if (mistakes === 0 && models.every(({ checkpoints }) => checkpoints[id] === undefined))
      told(["datasets", id], "is a data set that no model has a checkpoint for");
  }
  const { statistics, report, run } = entries;
  const declaration = {
    title: entries.title ?? name,
    seed: entries.seed ?? DEFAULTS.seed,
    datasets,
    models,
    methods: resolveNamed("methods", entries.methods ?? [], studyMethod, told),
    metrics: resolveNamed("metrics", entries.metrics ?? [], studyMetric, told),
    class: entries.class ?? DEFAULTS.class,
    controls: entries.controls ?? DEFAULTS.controls,
    statistics: withDefaults(DEFAULTS.statistics, statistics),
    report: withDefaults(DEFAULTS.report, report),
    run: withDefaults(DEFAULTS.run, run),
  };
  return mistakes === 0 ? declaration : undefined;
}

/** Values other than null and undefined on top of the defaults. */
function withDefaults<T extends object>(
  defaults: T,
  given: { readonly [K in keyof T]?: unknown } | null | undefined,
): T {
  const entries = Object.entries(given ?? {}).filter(([, value]) => value !== undefined && value !== null);
  return { ...defaults, ...Object.fromEntries(entries) };
}

function checkId(id: string, path: KeyPath, complain: Complain): void {
  if (!ID.test(id))
    complain(path, "is no name for tables and files: letters, digits, spaces, and . _ + - behind the first");
  else if (MODEL_KEYS.includes(id) && path[0] === "datasets")
    complain(path, `cannot be a data set's name, since models have a key of that name; call it otherwise`);
}

function resolveDatasets(
  entries: Readonly<Record<string, DatasetEntry | null | undefined>>,
  complain: Complain,
): readonly StudyDataset[] {
  const given = present(entries);
  if (given.length === 0)
    complain([], 'says no data set: give some under "datasets", as "cells: path/to/images"');
  return given.flatMap(([id, entry]) => {
    checkId(id, ["datasets", id], complain);
    const { title, path, split, splits, images, select } = entry;
    if (!path) {
      complain(["datasets", id], 'lacks "path", the folder of its images or its manifest.csv');
      return [];
    }
    return {
      id,
      title: title ?? id,
      path,
      split: split ?? (splits ? DEFAULTS.split : null),
      splits: splits ?? null,
      images: images ?? null,
      select: select ?? DEFAULTS.select,
    };
  });
}

function resolveModels(
  entries: Readonly<Record<string, ModelEntry | null | undefined>>,
  datasets: readonly string[],
  complain: Complain,
): readonly StudyModel[] {
  const given = present(entries);
  if (given.length === 0)
    complain([], 'says no model: give some under "models", as "vit: path/to/checkpoint"');
  return given.map(([id, entry]) => {
    checkId(id, ["models", id], complain);
    const { title, path, arch, head, preprocess, labels, imageSize, ...rest } = entry;
    const common = { path, arch, head, preprocess, labels, imageSize };
    const own = rest as Readonly<Record<string, CheckpointEntry | null | undefined>>;
    for (const key of Object.keys(own).filter((key) => !datasets.includes(key))) {
      complain(
        ["models", id, key],
        `is neither a key of models (${MODEL_KEYS.join(", ")}) nor a data set (${datasets.join(", ") || "there is none"})`,
      );
    }
    const checkpoints = datasets.flatMap((dataset) => {
      const mine = own[dataset];
      // null: not with this data set, though there is a checkpoint for all.
      if (mine === null || (mine === undefined && !path)) return [];
      const checkpoint = resolveCheckpoint(common, mine ?? {});
      if (checkpoint) return [[dataset, checkpoint] as const];
      complain(["models", id, dataset], 'lacks "path", its checkpoint');
      return [];
    });
    if (checkpoints.length === 0 && Object.keys(own).length === 0)
      complain(
        ["models", id],
        'has no checkpoint: give a path, or one for each data set, as "{ cells: path }"',
      );
    return { id, title: title ?? id, checkpoints: Object.fromEntries(checkpoints) };
  });
}

function resolveCheckpoint(common: CheckpointEntry, own: CheckpointEntry): StudyCheckpoint | undefined {
  const path = own.path ?? common.path;
  if (!path) return undefined;
  return {
    path,
    arch: own.arch ?? common.arch ?? null,
    head: own.head ?? common.head ?? null,
    preprocess: own.preprocess ?? common.preprocess ?? null,
    labels: own.labels ?? common.labels ?? null,
    imageSize: own.imageSize ?? common.imageSize ?? null,
  };
}

function resolveNamed<T extends { readonly id: string; readonly spec: string }>(
  list: "methods" | "metrics",
  entries: readonly NamedEntry[],
  make: (entry: NamedEntry) => T,
  complain: Complain,
): readonly T[] {
  const example = list === "methods" ? "[grad-cam, gradient-rollout]" : "[insertion, deletion]";
  if (entries.length === 0) complain([], `says no ${list}: give some, as "${list}: ${example}"`);
  const made: T[] = [];
  for (const [i, entry] of entries.entries()) {
    try {
      const one = make(entry);
      const same = made.find(({ id, spec }) => id === one.id || spec === one.spec);
      if (same === undefined) made.push(one);
      else if (same.spec === one.spec) complain([list, i], `is the same as one before it: ${one.spec}`);
      else complain([list, i], `has the id "${one.id}", as one before it; give it another`);
    } catch (error) {
      if (!(error instanceof VitreousError)) throw error;
      complain([list, i], error.message);
    }
  }
  return made;
}

const present = <T>(
  entries: Readonly<Record<string, T | null | undefined>>,
): readonly (readonly [string, T])[] =>
  Object.entries(entries).flatMap(([key, value]) =>
    value === null || value === undefined ? [] : [[key, value] as const],
  );
