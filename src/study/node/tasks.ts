/**
 * @file One worker's way through a study: model after model, it takes the chunks that are not complete and that no other
 * process has in hand, until all are. Every worker does the same; what keeps them apart are the claims alone, so that it
 * makes no difference whether they belong to one run or to several.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { pipelined } from "../../api/batches.js";
import { VitreousError } from "../../onnx/errors.js";
import { trueClass, unexplained } from "../run/explained.js";
import { readPredictions } from "../run/results.js";
import type { StudyWork } from "../run/types.js";
import { type ChunkUnits, chunkUnits } from "../run/units.js";
import { openClaims } from "../store/node/claims.js";
import { openStore, unitHash } from "../store/node/store.js";
import type { UnitResult } from "../store/unit.js";
import { type OpenedCheckpoint, openCheckpoint, pairsOf, unitContext } from "./checkpoint.js";
import { runMistakes } from "./mistakes-task.js";
import {
  compute,
  intactReader,
  isComplete,
  namesOf,
  type Read,
  type Run,
  type Task,
  type TaskReport,
  type TaskRun,
  type TaskSettings,
} from "./task.js";

/** While one chunk's unit ends and another is begun, the other one's batches keep ONNX Runtime busy. */
const CHUNKS_AT_ONCE = 2;
const WAIT_MS = 300;

/** @throws VitreousError when results cannot be kept; the signal's reason */
export async function runTasks(work: StudyWork, settings: TaskSettings, report: TaskReport): Promise<void> {
  const tasks = pairsOf(work.declaration, work.plan.datasets).map(
    (pair, index): Task => ({ index, pair, left: new Set(pair.planned.chunks.keys()), done: false }),
  );
  const stop = new AbortController();
  const signal = AbortSignal.any([settings.signal, stop.signal]);
  const claims = openClaims(`${settings.folder}/claims`);
  const run = { work, report, claims, store: openStore(settings.folder), settings: { ...settings, signal } };
  try {
    for (;;) {
      let moved = false;
      for (const task of tasks) moved = (await runTask(task, run, stop)) || moved;
      if (tasks.every(({ done }) => done)) return;
      // What is left is in other processes' hands.
      if (!moved) await sleep(WAIT_MS, undefined, { signal }).catch(() => undefined);
      signal.throwIfAborted();
    }
  } finally {
    claims.close();
  }
}

/** Whether anything was found to be done, or was done. */
async function runTask(task: Task, run: Run, stop: AbortController): Promise<boolean> {
  const { work, report, settings } = run;
  const { signal } = settings;
  const { pair, index, left } = task;
  if (task.done) return false;
  let opening: Promise<OpenedCheckpoint> | undefined;
  let unopened: unknown;
  const open = (): Promise<OpenedCheckpoint> => {
    opening ??= openCheckpoint(work.declaration, pair, settings).catch((error: unknown) => {
      unopened = error;
      throw error;
    });
    return opening;
  };
  try {
    report.working(index);
    if (task.context === undefined) {
      const { dataset, model } = namesOf(pair);
      const known = settings.known.find((facts) => facts.dataset === dataset && facts.model === model);
      const facts = known ?? (await open()).facts;
      report.opened(index, facts);
      const { classes } = pair.planned;
      task.context = unitContext(work.declaration, settings.engine, facts, classes);
    }
    const { context } = task;
    const before = left.size;
    const one = lock();
    const start = async (chunk: number): Promise<void> => {
      try {
        if (!signal.aborted && (await runChunk({ ...run, task, context, chunk, open, one })))
          left.delete(chunk);
      } catch (error) {
        if (error !== unopened) stop.abort(error);
        throw error;
      }
    };
    // Not so many that another worker would have none.
    const atOnce = Math.min(CHUNKS_AT_ONCE, Math.ceil(left.size / settings.workers));
    for await (const _ of pipelined([...left], atOnce, start));
    signal.throwIfAborted();
    if (left.size === 0) task.done = await runMistakes({ ...run, task, context, open, one });
    return left.size < before || task.done;
  } catch (error) {
    if (signal.aborted || !(error instanceof VitreousError) || error !== unopened) throw error;
    // The model cannot be opened: the others can.
    const reason = error.message.replaceAll(pair.checkpoint.path, pair.model.id);
    report.failure({ ...namesOf(pair), image: null, method: null, reason });
    left.clear();
    task.done = true;
    return true;
  } finally {
    const opened = await opening?.catch(() => undefined);
    await opened?.model.close();
  }
}

interface ChunkRun extends TaskRun {
  readonly chunk: number;
}

/** Whether the chunk is complete now, or nothing more can be done about it. */
async function runChunk(run: ChunkRun): Promise<boolean> {
  const { task, context, chunk, claims, report } = run;
  const { pair, index } = task;
  const images = pair.planned.chunks[chunk] ?? [];
  const units = chunkUnits(context, images);
  const name = unitHash(units.predictions).slice(0, 32);
  const read = intactReader(run, images);
  if (isComplete(units, read)) {
    finish(run, units, read, name, true);
    return true;
  }
  if (!(await claims.take(name))) return false;
  try {
    // Whoever had it may have finished it since.
    const found = units.scores.filter(({ key }) => read(key) !== undefined);
    for (const { key } of found) report.scored(unitHash(key), cellsOf(read(key)), true);
    if (!isComplete(units, read)) {
      const names = images.map((i) => i.name);
      await compute(run, { context, images, units }, read, {
        scored: (key, cells) => report.scored(unitHash(key), cells, false),
        maps: (method, maps) => report.maps(index, method, names, maps),
      });
    }
    finish(run, units, read, name, false);
    return true;
  } finally {
    claims.release(name);
  }
}

/** Rows that a unit of scores has. */
function cellsOf(result: UnitResult | undefined): number {
  const { scores } = (result?.value ?? { scores: [] }) as { readonly scores: readonly unknown[] };
  return scores.filter((scored) => scored !== null).length;
}

/** Counts a chunk as done, and tells of the images that could not be used. */
function finish(run: ChunkRun, units: ChunkUnits, read: Read, name: string, found: boolean): void {
  const { report, task, context, chunk } = run;
  const images = task.pair.planned.chunks[chunk] ?? [];
  let cells = 0;
  for (const { key } of units.scores) {
    const count = cellsOf(read(key));
    cells += count;
    if (found) report.scored(unitHash(key), count, true);
  }
  report.lost(name, images.length * units.scores.length - cells);
  if (!found) report.images(name, images.length);
  const stored = read(units.predictions);
  if (stored === undefined) return;
  const { failed, logits } = readPredictions(stored);
  const byTrueClass = context.declaration.class === "true";
  images.forEach((image, i) => {
    const withoutClass = byTrueClass && logits[i] && trueClass(image, context.classOf) === undefined;
    const reason = failed[i] ?? (withoutClass ? unexplained(image) : undefined);
    if (reason !== undefined) {
      report.failure({ ...namesOf(task.pair), image: image.name, method: null, reason });
    }
  });
}

/** Work one at a time. */
function lock(): <T>(work: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const next = last.then(work);
    last = next.catch(() => undefined);
    return next;
  };
}
