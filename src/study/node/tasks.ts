/**
 * @file One worker's way through a study: model after model, it takes the chunks that are not complete and that no other
 * process has in hand, until all are. Every worker does the same; what keeps them apart are the claims alone, so that it
 * makes no difference whether they belong to one run or to several.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { pipelined } from "../../api/batches.js";
import type { ModelImage } from "../../api/image.js";
import type { NodeModel } from "../../api/node/node-model.js";
import { sha256OfBytes } from "../../api/node/sha256.js";
import type { TokenMap } from "../../explain/method.js";
import { readBytes } from "../../imaging/node/file-error.js";
import { VitreousError } from "../../onnx/errors.js";
import type { PlannedImage } from "../plan/plan.js";
import { computeChunk } from "../run/chunk.js";
import { trueClass, unexplained } from "../run/explained.js";
import { type ByImage, readPredictions } from "../run/results.js";
import type { CheckpointFacts, StudyWork } from "../run/types.js";
import { type ChunkUnits, chunkUnits, type UnitContext, unitKeys } from "../run/units.js";
import { type Claims, openClaims } from "../store/node/claims.js";
import { openStore, type Store, unitHash } from "../store/node/store.js";
import type { UnitResult } from "../store/unit.js";
import type { StudyFailure, UnitKey } from "../types.js";
import { type OpenedCheckpoint, openCheckpoint, type Pair, pairsOf, unitContext } from "./checkpoint.js";

export interface TaskSettings {
  /** Of cells. */
  readonly folder: string;
  readonly engine: Readonly<Record<string, string>>;
  readonly threads: number | undefined;
  /** What is known of models without opening them. */
  readonly known: readonly CheckpointFacts[];
  readonly signal: AbortSignal;
}

/** What a worker tells. `pair`: by its place among the study's. */
export interface TaskReport {
  readonly opened: (pair: number, facts: CheckpointFacts) => void;
  /** A unit of scores: made now, or found in the store. */
  readonly scored: (hash: string, cells: number, found: boolean) => void;
  /** Cells that there will not be, for what was reported as a failure. */
  readonly lost: (work: string, cells: number) => void;
  readonly images: (work: string, count: number) => void;
  readonly forwards: (count: number) => void;
  readonly working: (pair: number) => void;
  readonly maps: (pair: number, method: string, images: readonly string[], maps: ByImage<TokenMap>) => void;
  readonly failure: (failure: StudyFailure) => void;
  readonly note: (note: string) => void;
}

/** While one chunk's unit ends and another is begun, the other one's batches keep ONNX Runtime busy. */
const CHUNKS_AT_ONCE = 2;
const WAIT_MS = 300;

interface Task {
  readonly index: number;
  readonly pair: Pair;
  /** Chunks that are not known to be complete. */
  readonly left: Set<number>;
  context?: UnitContext;
}

/** @throws VitreousError when results cannot be kept; the signal's reason */
export async function runTasks(work: StudyWork, settings: TaskSettings, report: TaskReport): Promise<void> {
  const tasks = pairsOf(work.declaration, work.plan.datasets).map(
    (pair, index): Task => ({ index, pair, left: new Set(pair.planned.chunks.keys()) }),
  );
  const stop = new AbortController();
  const signal = AbortSignal.any([settings.signal, stop.signal]);
  const claims = openClaims(`${settings.folder}/claims`);
  const run = { work, report, claims, store: openStore(settings.folder), settings: { ...settings, signal } };
  try {
    for (;;) {
      let moved = false;
      for (const task of tasks) moved = (await runTask(task, run, stop)) || moved;
      if (tasks.every(({ left }) => left.size === 0)) return;
      // What is left is in other processes' hands.
      if (!moved) await sleep(WAIT_MS, undefined, { signal }).catch(() => undefined);
      signal.throwIfAborted();
    }
  } finally {
    claims.close();
  }
}

interface Run {
  readonly work: StudyWork;
  readonly store: Store;
  readonly claims: Claims;
  readonly settings: TaskSettings;
  readonly report: TaskReport;
}

/** Whether anything was found to be done, or was done. */
async function runTask(task: Task, run: Run, stop: AbortController): Promise<boolean> {
  const { work, report, settings } = run;
  const { signal } = settings;
  const { pair, index, left } = task;
  if (left.size === 0) return false;
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
    for await (const _ of pipelined([...left], CHUNKS_AT_ONCE, start));
    signal.throwIfAborted();
    return left.size < before;
  } catch (error) {
    if (signal.aborted || !(error instanceof VitreousError) || error !== unopened) throw error;
    // The model cannot be opened: the others can.
    const reason = error.message.replaceAll(pair.checkpoint.path, pair.model.id);
    report.failure({ ...namesOf(pair), image: null, method: null, reason });
    left.clear();
    return true;
  } finally {
    const opened = await opening?.catch(() => undefined);
    await opened?.model.close();
  }
}

interface ChunkRun extends Run {
  readonly task: Task;
  readonly context: UnitContext;
  readonly chunk: number;
  readonly open: () => Promise<OpenedCheckpoint>;
  readonly one: <T>(work: () => Promise<T>) => Promise<T>;
}

/** Whether the chunk is complete now, or nothing more can be done about it. */
async function runChunk(run: ChunkRun): Promise<boolean> {
  const { task, context, chunk, claims, report, settings, open, one } = run;
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
      const { model, methods, choice } = await open();
      report.working(index);
      const failure = (f: Pick<StudyFailure, "image" | "method" | "reason">): void => {
        const reason = f.reason.replaceAll(pair.checkpoint.path, pair.model.id);
        report.failure({ ...namesOf(pair), ...f, reason });
      };
      await computeChunk({
        context,
        images,
        units,
        model,
        choice,
        methods,
        readImage: (image) => readImage(model, image),
        read,
        write: (key, result) => run.store.write(key, result),
        explaining: one,
        signal: settings.signal,
        report: {
          scored: (key, cells) => report.scored(unitHash(key), cells, false),
          forwards: report.forwards,
          failure,
          maps: (method, maps) =>
            report.maps(
              index,
              method,
              images.map((i) => i.name),
              maps,
            ),
        },
      });
    }
    finish(run, units, read, name, false);
    return true;
  } finally {
    claims.release(name);
  }
}

/** Reads what is stored; what is damaged counts as absent, and is mentioned once. */
function intactReader({ store, report, task: { pair } }: ChunkRun, images: readonly PlannedImage[]) {
  const mentioned = new Set<string>();
  return (key: UnitKey): UnitResult | undefined => {
    const hash = unitHash(key);
    const found = store.read(hash);
    if (found === "damaged" && !mentioned.has(hash)) {
      mentioned.add(hash);
      report.note(
        `the stored ${key.kind} ${hash.slice(0, 12)} of ${pair.model.id} on ${pair.planned.dataset.id} (${images[0]?.name} …) are damaged, and are computed again`,
      );
    }
    return typeof found === "string" ? undefined : found;
  };
}

type Read = (key: UnitKey) => UnitResult | undefined;

const isComplete = (units: ChunkUnits, read: Read): boolean =>
  unitKeys(units).every((key) => read(key) !== undefined);

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

const namesOf = ({ planned, model }: Pair) => ({ dataset: planned.dataset.id, model: model.id });

async function readImage(
  model: NodeModel,
  { path, name, sha256 }: PlannedImage,
): Promise<ModelImage | { readonly failed: string }> {
  const bytes = await readBytes(path);
  if (sha256OfBytes(bytes) !== sha256)
    throw new VitreousError(`${name} is not what it was when the study was planned: run the study again`);
  try {
    return await model.decode(bytes, name);
  } catch (error) {
    if (error instanceof VitreousError) return { failed: error.message };
    throw error;
  }
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
