/**
 * @file A process that takes a training step (forward, gradients of all weights, clipping, AdamW) whenever it reads a
 * line, on pictures that are there already; bench/peers/training.py is the same in PyTorch. Processes of their own, so
 * that each has its own peak of memory.
 *
 *     node bench/training-steps.js ARCHITECTURE BATCH THREADS
 *
 * Writes a line when it is ready and after each step; at the end of the input, its peak of memory in MB.
 */
import { createInterface } from "node:readline";
import { CLASSES, untrained } from "./untrained.js";

const [architecture = "", ...numbers] = process.argv.slice(2);
const [batch = 16, threads = 2] = numbers.map(Number);
const { trainer, shape } = await untrained(architecture, { batch, threads, steps: 1000 });
const size = shape.reduce((a, b) => a * b, 1);
const pictures = {
  pixels: Float32Array.from({ length: batch * size }, (_, i) => Math.sin((i + 1) * 0.618)),
  targets: Float32Array.from({ length: batch * CLASSES }, (_, i) =>
    i % CLASSES === Math.floor(i / CLASSES) % CLASSES ? 1 : 0,
  ),
  sampleWeights: new Float32Array(batch).fill(1 / batch),
  indices: Array.from({ length: batch }, (_, i) => i),
  size: batch,
};
console.log("ready");
for await (const _ of createInterface({ input: process.stdin })) {
  await trainer.step([pictures]);
  console.log("done");
}
await trainer.close();
console.log(Math.round(process.resourceUsage().maxRSS / 1024));
