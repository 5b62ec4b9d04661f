/**
 * @file A model's costs, measured with batches of one real image over and over: a few seconds for each model, and
 * nothing is written.
 */
import type { ModelImage } from "../../../api/image.js";
import type { NodeModel } from "../../../api/node/node-model.js";
import type { Metric } from "../../../metrics/metric.js";
import { metricFromSpec } from "../../../metrics/registry.js";
import type { OpenedCheckpoint } from "../../node/checkpoint.js";
import type { StudyDeclaration } from "../../types.js";
import type { MetricCosts, ModelCosts } from "../estimate.js";

/** @param path of an image */
export async function measureModel(
  { model, methods, facts }: OpenedCheckpoint,
  { run, metrics }: StudyDeclaration,
  path: string,
  signal: AbortSignal,
): Promise<ModelCosts> {
  const image = await model.read(path);
  const images = Array.from({ length: run.batch }, () => image);
  const settings = { batch: run.batch, signal };
  const explanation: Record<string, number> = {};
  for (const [id, method] of methods) {
    if (facts.refused[id] === undefined)
      explanation[id] = await secondsEach(images.length, () => model.explainAll(images, [method], settings));
  }
  const { anatomy } = model;
  return {
    forward: await secondsEach(images.length, () => model.predictAll(images, settings)),
    explanation,
    refused: facts.refused,
    metrics: Object.fromEntries(
      metrics.map(({ id, spec }) => [id, metricCosts(metricFromSpec(spec), model, image)]),
    ),
    grid: anatomy.family === "unknown" ? 0 : anatomy.grid[0] * anatomy.grid[1],
    labels: facts.labels,
  };
}

/** Seconds for one image: of the second run, since the first one prepares. */
async function secondsEach(count: number, run: () => AsyncIterable<unknown>): Promise<number> {
  let start = 0;
  for (let i = 0; i < 2; i++) {
    start = performance.now();
    for await (const _ of run());
  }
  return (performance.now() - start) / 1000 / count;
}

function metricCosts(metric: Metric, { facts, anatomy }: NodeModel, { tensor }: ModelImage): MetricCosts {
  const plan = metric.plan({
    image: tensor,
    // Flat, so that no two of the random tie orders are alike: the most inputs that a map can ask for.
    map: new Float32Array(tensor.height * tensor.width),
    seed: facts.seed,
    blurred: () => tensor.data,
    black: facts.black,
    ...(anatomy.family !== "unknown" && { grid: anatomy.grid }),
  });
  const keys = Array.from({ length: plan.count }, (_, i) => plan.key(i));
  const shared = new Set((plan.shared ?? []).map((i) => keys[i]));
  return {
    perMap: new Set(keys.filter((key) => !shared.has(key))).size,
    // One end of every curve is the image itself, whose prediction is known.
    perImage: Math.max(0, shared.size - 1),
    points: plan.count,
  };
}
