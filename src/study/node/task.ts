/**
 * @file What the pieces of a worker's task have in common: what it is told, what it tells, and how a chunk that is in its
 * hands is computed and read.
 */
import type { ModelImage } from "../../api/image.js";
import type { NodeModel } from "../../api/node/node-model.js";
import { sha256OfBytes } from "../../api/node/sha256.js";
import { parseTarget } from "../../api/target.js";
import type { TokenMap } from "../../explain/method.js";
import { readBytes } from "../../imaging/node/file-error.js";
import { VitreousError } from "../../onnx/errors.js";
import type { PlannedImage } from "../plan/plan.js";
import { computeChunk } from "../run/chunk.js";
import type { ChunkReport } from "../run/chunk-work.js";
import type { ByImage } from "../run/results.js";
import type { CheckpointFacts, StudyWork } from "../run/types.js";
import { type ChunkUnits, type UnitContext, unitKeys } from "../run/units.js";
import type { Claims } from "../store/node/claims.js";
import { type Store, unitHash } from "../store/node/store.js";
import type { UnitResult } from "../store/unit.js";
import type { StudyFailure, UnitKey } from "../types.js";
import type { OpenedCheckpoint, Pair } from "./checkpoint.js";
import { storedUnit } from "./stored-unit.js";

export interface TaskSettings {
  /** Of cells. */
  readonly folder: string;
  readonly engine: Readonly<Record<string, string>>;
  readonly threads: number | undefined;
  /** That share the work. */
  readonly workers: number;
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

export interface Task {
  readonly index: number;
  readonly pair: Pair;
  /** Chunks that are not known to be complete. */
  readonly left: Set<number>;
  /** What the model takes for another class is computed too, which is known when all chunks are. */
  done: boolean;
  context?: UnitContext;
}

export interface Run {
  readonly work: StudyWork;
  readonly store: Store;
  readonly claims: Claims;
  readonly settings: TaskSettings;
  readonly report: TaskReport;
}

export interface TaskRun extends Run {
  readonly task: Task;
  readonly context: UnitContext;
  readonly open: () => Promise<OpenedCheckpoint>;
  readonly one: <T>(work: () => Promise<T>) => Promise<T>;
}

/** Computes what is missing of a chunk that is in this process's hands. */
export async function compute(
  { task: { pair, index }, report, store, settings, open, one }: TaskRun,
  chunk: {
    readonly context: UnitContext;
    readonly images: readonly PlannedImage[];
    readonly units: ChunkUnits;
  },
  read: Read,
  tell: Pick<ChunkReport, "scored" | "maps">,
): Promise<void> {
  const { model, methods, facts } = await open();
  report.working(index);
  await computeChunk({
    ...chunk,
    model,
    choice: parseTarget(chunk.context.declaration.class, facts.labels),
    methods,
    readImage: (image) => readImage(model, image),
    read,
    write: (key, result) => store.write(key, result),
    explaining: one,
    signal: settings.signal,
    report: {
      ...tell,
      forwards: report.forwards,
      failure: (f) => {
        const reason = f.reason.replaceAll(pair.checkpoint.path, pair.model.id);
        report.failure({ ...namesOf(pair), ...f, reason });
      },
    },
  });
}

/** Reads what is stored; what is damaged counts as absent, and is mentioned once. */
export function intactReader({ store, report, task: { pair } }: TaskRun, images: readonly PlannedImage[]) {
  const mentioned = new Set<string>();
  return (key: UnitKey): UnitResult | undefined => {
    const hash = unitHash(key);
    const found = storedUnit(store, key);
    if (found === "damaged" && !mentioned.has(hash)) {
      mentioned.add(hash);
      report.note(
        `the stored ${key.kind} ${hash.slice(0, 12)} of ${pair.model.id} on ${pair.planned.dataset.id} (${images[0]?.name} …) are damaged, and are computed again`,
      );
    }
    return typeof found === "string" ? undefined : found;
  };
}

export type Read = (key: UnitKey) => UnitResult | undefined;

export const isComplete = (units: ChunkUnits, read: Read): boolean =>
  unitKeys(units).every((key) => read(key) !== undefined);

export const namesOf = ({ planned, model }: Pair) => ({ dataset: planned.dataset.id, model: model.id });

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
