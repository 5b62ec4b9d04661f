/** @file One model opened for one data set, with all that its units' keys and results say of it. */
import { readdir, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import type { NodeModel } from "../../api/node/node-model.js";
import { type OpenOptions, openModel } from "../../api/node/open.js";
import { classReader, parseTarget } from "../../api/target.js";
import type { Method } from "../../explain/method.js";
import { methodFromSpec } from "../../explain/registry.js";
import { metricFromSpec } from "../../metrics/registry.js";
import type { PlannedDataset } from "../plan/plan.js";
import type { CheckpointFacts } from "../run/types.js";
import type { UnitContext } from "../run/units.js";
import type { StudyCheckpoint, StudyDeclaration, StudyModel } from "../types.js";
import { fingerprintOf } from "./fingerprint.js";

/** A model on a data set. */
export interface Pair {
  readonly planned: PlannedDataset;
  readonly model: StudyModel;
  readonly checkpoint: StudyCheckpoint;
}

/** In the order in which they are computed and shown. */
export function pairsOf(
  { models }: Pick<StudyDeclaration, "models">,
  datasets: readonly PlannedDataset[],
): readonly Pair[] {
  return datasets.flatMap((planned) =>
    models.flatMap((model) => {
      const checkpoint = model.checkpoints[planned.dataset.id];
      return checkpoint === undefined ? [] : [{ planned, model, checkpoint }];
    }),
  );
}

export interface OpenedCheckpoint {
  readonly model: NodeModel;
  readonly facts: CheckpointFacts;
  /** By id. */
  readonly methods: ReadonlyMap<string, Method>;
}

/** Memory that a model's graphs for several methods may take, each of which holds the weights. */
const READY_BYTES = 2 * 2 ** 30;

/** The caller closes `model`. @throws VitreousError when it cannot be opened or lacks the class */
export async function openCheckpoint(
  declaration: StudyDeclaration,
  { planned, model: { id }, checkpoint }: Pair,
  { threads, signal }: { readonly threads: number | undefined; readonly signal: AbortSignal },
): Promise<OpenedCheckpoint> {
  const { path, arch, head, preprocess, labels, imageSize } = checkpoint;
  const most = Math.floor(READY_BYTES / Math.max(1, await bytesOf(path)));
  const options: OpenOptions = {
    device: declaration.run.device as NonNullable<OpenOptions["device"]>,
    seed: declaration.seed,
    ready: Math.max(1, Math.min(declaration.methods.length, most)),
    signal,
    ...(threads !== undefined && { threads }),
    ...(arch !== null && { arch }),
    ...(head !== null && { head }),
    ...(preprocess !== null && { preprocess }),
    ...(labels !== null && { labels }),
    ...(imageSize !== null && { imageSize }),
  };
  const fingerprint = await fingerprintOf(checkpoint);
  const model = await openModel(path, options);
  try {
    const methods = new Map(declaration.methods.map((m) => [m.id, methodFromSpec(m.spec)]));
    const settled: Record<string, Readonly<Record<string, unknown>>> = {};
    const refused: Record<string, string> = {};
    for (const [name, method] of methods) {
      const reason = model.unsupported(method);
      if (reason === undefined) settled[name] = method.resolve(model.anatomy);
      else refused[name] = reason;
    }
    const { anatomy, facts, preprocessing } = model;
    // A model that lacks the class is of no use.
    parseTarget(declaration.class, facts.labels);
    return {
      model,
      methods,
      facts: {
        dataset: planned.dataset.id,
        model: id,
        sha256: facts.sha256 ?? "",
        options: {
          arch,
          // The file's content is in the sum; what stands behind its name is not.
          headOrder: head === null ? null : (/:order=(\w+)$/.exec(head)?.[1] ?? null),
          imageSize,
          configuration: facts.configuration ?? null,
        },
        preprocessing: { ...preprocessing, source: basename(preprocessing.source) },
        family: anatomy.family,
        image: anatomy.image,
        channels: anatomy.input.channels,
        labels: facts.labels,
        methods: settled,
        refused,
        notes: [...model.warnings, ...model.notes].map((note) => note.replaceAll(path, id)),
        fingerprint,
      },
    };
  } catch (error) {
    await model.close();
    throw error;
  }
}

/** What the units of a pair have in common. */
export function unitContext(
  declaration: StudyDeclaration,
  engine: UnitContext["engine"],
  facts: CheckpointFacts,
  classes: readonly string[],
): UnitContext {
  return {
    declaration,
    engine,
    facts,
    classOf: classReader(classes, facts.labels),
    metrics: new Map(declaration.metrics.map((m) => [m.id, metricFromSpec(m.spec)])),
  };
}

/** Of a model's file, or of all files of its folder; 0 where it is on the hub. */
async function bytesOf(path: string): Promise<number> {
  const found = await stat(path).catch(() => undefined);
  if (!found?.isDirectory()) return found?.size ?? 0;
  const sizes = (await readdir(path)).map(async (name) => (await stat(join(path, name))).size);
  return (await Promise.all(sizes)).reduce((a, b) => a + b, 0);
}
