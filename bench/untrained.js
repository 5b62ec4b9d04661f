/** @file An architecture with new weights, and a trainer of it, so that training is measured without any checkpoint. */
import { buildModel } from "../dist/models/index.js";
import { describeScratch } from "../dist/models/node/scratch.js";
import { nodeTrainer } from "../dist/training/node/trainer.js";
import { parameterSet } from "../dist/training/parameters.js";

/** Of the classifier; bench/peers/training.py has as many. */
export const CLASSES = 8;

/** @param {string} architecture timm's name */
export async function untrainedModel(architecture) {
  const labels = Array.from({ length: CLASSES }, (_, i) => `class ${i}`);
  const { description, tensors } = await describeScratch(architecture, { labels, seed: 0 });
  return { built: await buildModel(description, tensors), tensors };
}

/**
 * @param {string} architecture timm's name
 * @param {{ batch: number, threads: number, steps: number }} options
 */
export async function untrained(architecture, { batch, threads, steps }) {
  const { built, tensors } = await untrainedModel(architecture);
  const trainer = await nodeTrainer({
    model: built.model,
    parameters: await parameterSet(built, tensors, {}),
    batch,
    objective: { kind: "cross-entropy" },
    schedule: { kind: "constant", peak: 1e-4, warmup: 0, steps },
    adamw: { weightDecay: 0.05 },
    clip: 1,
    threads,
  });
  /** [channels, height, width] */
  const shape = (built.model.graph.inputs[0]?.shape ?? []).slice(1).map(Number);
  return { trainer, shape };
}
