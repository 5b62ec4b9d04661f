/**
 * @file The estimate of a whole study: each of its models opened as the study opens it and measured once, with an image
 * of the data set that it is for.
 */
import { classReader } from "../../../api/target.js";
import { VitreousError } from "../../../onnx/errors.js";
import { openCheckpoint, type Pair, pairsOf } from "../../node/checkpoint.js";
import { trueClass } from "../../run/explained.js";
import type { StudyWork } from "../../run/types.js";
import {
  estimatePart,
  type ModelCosts,
  type PartEstimate,
  type StudyEstimate,
  totalOf,
} from "../estimate.js";
import { measureModel } from "./measure.js";

export interface EstimateSettings {
  readonly workers: number;
  /** ONNX Runtime's threads of each worker; undefined: all. */
  readonly threads: number | undefined;
  readonly signal: AbortSignal;
  /** Models measured so far, of how many. */
  readonly onProgress?: (done: number, total: number) => void;
}

/** A model that cannot be opened, or a method that it refuses, is among `problems` and costs the others nothing. */
export async function estimateStudy(work: StudyWork, settings: EstimateSettings): Promise<StudyEstimate> {
  const { declaration, plan } = work;
  const costs = new Map<string, ModelCosts>();
  const parts: PartEstimate[] = [];
  const problems = new Set<string>();
  const pairs = pairsOf(declaration, plan.datasets);
  for (const [i, pair] of pairs.entries()) {
    settings.signal.throwIfAborted();
    const { planned, model } = pair;
    const key = JSON.stringify(pair.checkpoint);
    try {
      const cost = costs.get(key) ?? (await costsOf(work, pair, settings));
      costs.set(key, cost);
      for (const why of Object.values(cost.refused)) problems.add(`${model.id}: ${why}`);
      const part = { dataset: planned.dataset.id, model: model.id };
      const classOf = classReader(planned.classes, cost.labels);
      const labelled = planned.images.filter((image) => trueClass(image, classOf) !== undefined).length;
      const size = { images: planned.images.length, chunks: planned.chunks.length, labelled };
      parts.push(estimatePart(declaration, { ...part, ...size }, cost));
    } catch (error) {
      if (!(error instanceof VitreousError)) throw error;
      problems.add(`${planned.dataset.id}, ${model.id}: ${error.message}`);
    }
    settings.onProgress?.(i + 1, pairs.length);
  }
  return { parts, total: totalOf(parts, settings.workers), problems: [...problems] };
}

async function costsOf(
  { declaration }: StudyWork,
  pair: Pair,
  { threads, signal }: EstimateSettings,
): Promise<ModelCosts> {
  const opened = await openCheckpoint(declaration, pair, { threads, signal });
  try {
    const [first] = pair.planned.images;
    if (first === undefined) throw new RangeError("a data set without images");
    return await measureModel(opened, declaration, first.path, signal);
  } finally {
    await opened.model.close();
  }
}
