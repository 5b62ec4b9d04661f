/**
 * @file Images a second of training steps (forward, gradients of all weights, clipping, AdamW) and peak memory, on pictures
 * that are there already. bench/peers/training.py is the same in PyTorch: run both in turns.
 *
 *     node bench/training.js CHECKPOINT [--batch 16] [--steps 9] [--threads 2]
 */
import { parseArgs } from "node:util";
import { buildModel } from "../dist/models/index.js";
import { describeCheckpoint } from "../dist/models/node/open.js";
import { nodeTrainer } from "../dist/training/node/trainer.js";
import { parameterSet } from "../dist/training/parameters.js";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    batch: { type: "string", default: "16" },
    steps: { type: "string", default: "9" },
    threads: { type: "string", default: "2" },
  },
});
const [path = "assets/models/vit_tiny_patch16_224"] = positionals;
const batch = Number(values.batch);
const steps = Number(values.steps);
const threads = Number(values.threads);

const { description, tensors, close } = await describeCheckpoint(path);
const built = await buildModel(description, tensors);
const parameters = await parameterSet(built, tensors, {});
await close();
const shape = (built.model.graph.inputs[0]?.shape ?? []).slice(1).map(Number);
const classes = Number(built.model.graph.outputs[0]?.shape?.[1]);
const size = shape.reduce((a, b) => a * b, 1);
const trainer = await nodeTrainer({
  model: built.model,
  parameters,
  batch,
  objective: { kind: "cross-entropy" },
  schedule: { kind: "constant", peak: 1e-4, warmup: 0, steps },
  adamw: { weightDecay: 0.05 },
  clip: 1,
  threads,
});
const pictures = {
  pixels: Float32Array.from({ length: batch * size }, (_, i) => Math.sin((i + 1) * 0.618)),
  targets: Float32Array.from({ length: batch * classes }, (_, i) =>
    i % classes === Math.floor(i / classes) % classes ? 1 : 0,
  ),
  sampleWeights: new Float32Array(batch).fill(1 / batch),
  indices: Array.from({ length: batch }, (_, i) => i),
  size: batch,
};
const seconds = [];
for (let i = 0; i <= steps; i++) {
  const start = performance.now();
  await trainer.step([pictures]);
  // The first one prepares memory.
  if (i > 0) seconds.push((performance.now() - start) / 1000);
}
await trainer.close();
seconds.sort((a, b) => a - b);
const rate = (/** @type {number | undefined} */ s) => (batch / (s ?? Number.NaN)).toFixed(1);
const memory = Math.round(process.resourceUsage().maxRSS / 1024);
console.log(
  `${path}, batch ${batch}: ${rate(seconds[Math.floor(seconds.length / 2)])} images/s (median), ${rate(seconds[0])} (best), ${memory} MB at most`,
);
