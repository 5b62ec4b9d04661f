/**
 * @file Runs a study: everything that its declaration asks for and its store does not hold.
 */
import { readdir, rm, stat } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { imageMap } from "../../explain/map.js";
import { methodFromSpec } from "../../explain/registry.js";
import { makeFolder } from "../../imaging/node/atomic.js";
import { VitreousError } from "../../onnx/errors.js";
import { tally } from "../run/progress.js";
import type { CheckpointFacts, RunStudyOptions, StudyMap, StudyRunSummary, StudyWork } from "../run/types.js";
import { mapSources } from "../run/units.js";
import type { StudyFailure } from "../types.js";
import { type Pair, pairsOf } from "./checkpoint.js";
import { engineVersions } from "./engine.js";
import { fingerprintOf } from "./fingerprint.js";
import { cellsFolder, earlier, type StudyIndex, writeIndex } from "./index-file.js";
import type { TaskReport, TaskSettings } from "./task.js";
import { runTasks } from "./tasks.js";
import { runWorkers } from "./workers.js";

/** Progress is told so often. */
const PROGRESS_MS = 250;

/**
 * Computes what the store does not hold. A failure of one image, method or model costs the others nothing.
 *
 * @throws VitreousError when results cannot be kept (no permission, a full disk), or options make no sense; the
 *   signal's reason when it is aborted: what is done is kept then
 */
export async function runStudy(work: StudyWork, options: RunStudyOptions): Promise<StudyRunSummary> {
  const { out, workers = 1, events = {}, signal = new AbortController().signal } = options;
  const { declaration, plan } = work;
  if (!Number.isInteger(workers) || workers < 1)
    throw new VitreousError(`workers must be a whole number, at least 1, not ${workers}`);
  const pairs = pairsOf(declaration, plan.datasets);
  const folder = cellsFolder(out);
  await makeFolder(folder);
  await sweep(folder);

  const engine = engineVersions();
  const datasets = plan.datasets.map(({ chunks: _, ...dataset }) => dataset);
  const base = { version: 1, engine, declaration, datasets, complete: false } as const;
  const { index: before, notes: found } = earlier(out, base);
  const facts = new Map<number, CheckpointFacts>();
  const failures = new Map<string, StudyFailure>();
  const notes = new Set<string>();
  const index = (complete: boolean): StudyIndex => ({
    ...base,
    complete,
    checkpoints: pairs.flatMap((_, i) => facts.get(i) ?? []),
    failures: inOrder([...failures.values()], work),
  });
  if (before === undefined) await writeIndex(out, index(false));
  // One after the other, and only the last state that waits.
  let writing: Promise<void> = Promise.resolve();
  const keepIndex = (): void => {
    if (before?.complete) return;
    writing = writing.then(() => writeIndex(out, index(false)));
    writing.catch(() => undefined);
  };

  const count = tally();
  const perImage = declaration.metrics.length * mapSources({ declaration, facts: { refused: {} } }).length;
  pairs.forEach(({ planned }, i) => {
    count.expect(i, planned.images.length * perImage);
  });
  let current: { readonly dataset: string; readonly model: string } | null = null;
  let told = 0;
  const tell = (now: boolean): void => {
    if (!now && performance.now() - told < PROGRESS_MS) return;
    told = performance.now();
    events.onProgress?.(count.progress(current));
  };
  const failure = (one: StudyFailure): void => {
    const key = JSON.stringify([one.dataset, one.image, one.model, one.method, one.reason]);
    if (failures.has(key)) return;
    failures.set(key, one);
    events.onFailure?.(one);
  };
  const note = (text: string): void => {
    if (notes.has(text)) return;
    notes.add(text);
    events.onNote?.(text);
  };
  for (const one of plan.failures) failure(one);
  for (const text of found) note(text);

  const report: TaskReport = {
    opened(i, found) {
      if (facts.has(i)) return;
      facts.set(i, found);
      const { dataset, model } = found;
      for (const text of found.notes) note(`${model} on ${dataset}: ${text}`);
      for (const [method, reason] of Object.entries(found.refused))
        failure({ dataset, model, image: null, method, reason });
      const images = pairs[i]?.planned.images.length ?? 0;
      count.expect(i, images * declaration.metrics.length * mapSources({ declaration, facts: found }).length);
      keepIndex();
    },
    scored(unit, cells, found) {
      count.scored(unit, cells, found);
      tell(false);
    },
    lost: count.lost,
    images: count.images,
    forwards(number) {
      count.forwards(number);
      tell(false);
    },
    working(i) {
      const pair = pairs[i];
      if (pair) current = { dataset: pair.planned.dataset.id, model: pair.model.id };
    },
    maps(i, method, names, maps) {
      const found = facts.get(i);
      const declared = declaration.methods.find(({ id }) => id === method);
      if (events.onMap === undefined || found === undefined || declared === undefined) return;
      const { scaling } = methodFromSpec(declared.spec);
      const { dataset, model, image: size } = found;
      maps.forEach((map, n) => {
        if (map === null) return;
        const atImageSize = (): Float32Array => imageMap(map, scaling, size);
        const told: StudyMap = { dataset, model, method, image: names[n] ?? "", ...map, size, atImageSize };
        events.onMap?.(told);
      });
    },
    failure,
    note,
  };
  const chunks = pairs.reduce((sum, { planned }) => sum + planned.chunks.length, 0);
  const processes = Math.min(workers, Math.max(1, chunks));
  const threads =
    options.threads ??
    (processes > 1 ? Math.max(1, Math.floor(availableParallelism() / processes)) : undefined);
  const known = await unchanged(before, pairs);
  const settings: TaskSettings = { folder, engine, threads, workers: processes, known, signal };
  try {
    if (processes > 1) await runWorkers(processes, work, settings, report);
    else await runTasks(work, settings, report);
  } finally {
    await writing.catch(() => undefined);
    tell(true);
  }
  await writing;
  await writeIndex(out, index(true));
  const { cells, forwards, seconds } = count.progress(null);
  return { cells, forwards, seconds, failures: index(true).failures, notes: [...notes] };
}

/** What an earlier run of the same study found of models whose files are still the same. */
async function unchanged(
  before: StudyIndex | undefined,
  pairs: readonly Pair[],
): Promise<readonly CheckpointFacts[]> {
  const same: CheckpointFacts[] = [];
  for (const { planned, model, checkpoint } of pairs) {
    const facts = before?.checkpoints.find((f) => f.dataset === planned.dataset.id && f.model === model.id);
    if (facts === undefined || facts.fingerprint === null) continue;
    if (facts.fingerprint === (await fingerprintOf(checkpoint))) same.push(facts);
  }
  return same;
}

/** By data set, model, method and image as declared, whatever was first. */
function inOrder(
  failures: readonly StudyFailure[],
  { declaration, plan }: StudyWork,
): readonly StudyFailure[] {
  const placeOf = (items: readonly string[], item: string | null): number =>
    item === null ? -1 : items.indexOf(item);
  const datasets = declaration.datasets.map(({ id }) => id);
  const models = declaration.models.map(({ id }) => id);
  const methods = declaration.methods.map(({ id }) => id);
  const images = new Map(
    plan.datasets.map(({ dataset, images }) => [dataset.id, new Map(images.map(({ name }, i) => [name, i]))]),
  );
  const rank = ({ dataset, model, method, image }: StudyFailure): readonly number[] => [
    placeOf(datasets, dataset),
    placeOf(models, model),
    placeOf(methods, method),
    image === null ? -1 : (images.get(dataset)?.get(image) ?? 0),
  ];
  return failures
    .map((failure) => ({ failure, rank: rank(failure) }))
    .sort(
      (a, b) =>
        a.rank.map((r, i) => r - (b.rank[i] ?? 0)).find((difference) => difference !== 0) ??
        (a.failure.reason < b.failure.reason ? -1 : 1),
    )
    .map(({ failure }) => failure);
}

/** A writer that was killed leaves its unfinished file; one that is at work is done within moments. */
const UNFINISHED_MS = 600_000;

async function sweep(folder: string): Promise<void> {
  for (const name of await readdir(folder, { recursive: true })) {
    if (!name.endsWith(".part")) continue;
    const path = join(folder, name);
    const changed = (await stat(path).catch(() => undefined))?.mtimeMs ?? Date.now();
    if (Date.now() - changed > UNFINISHED_MS) await rm(path, { force: true });
  }
}
