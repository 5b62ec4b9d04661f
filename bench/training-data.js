/**
 * @file What images cost that are made ready for training: what the default augmentation takes at 224, by stage in
 * processor milliseconds an image, and how many images a second the workers hand over when nothing else runs. Whether a
 * step waits for them is what `npm run bench` shows.
 *
 *     node bench/training-data.js FOLDER… [--images 240] [--size 224] [--workers 1,2] [--batch 16]
 *
 * A folder is any data set.
 */
import { parseArgs } from "node:util";
import { openDataset } from "../dist/datasets/open.js";
import { decodeImage } from "../dist/imaging/node/decode.js";
import { defaultPreprocessing } from "../dist/imaging/preprocessing.js";
import { evaluationBatches, trainingBatches } from "../dist/training/data/batches.js";
import { gaussianBlur } from "../dist/training/data/blur.js";
import { randomCrop, resizedCrop } from "../dist/training/data/crop.js";
import { drawsFor } from "../dist/training/data/draws.js";
import { colourJitter } from "../dist/training/data/jitter.js";
import { imagePool } from "../dist/training/data/node/pool.js";
import { normaliseInto } from "../dist/training/data/normalise.js";
import { augmentationOptions } from "../dist/training/data/options.js";
import { orient, randomOrientation } from "../dist/training/data/orientation.js";
import { randAugment } from "../dist/training/data/policy.js";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    images: { type: "string", default: "240" },
    size: { type: "string", default: "224" },
    workers: { type: "string", default: "1,2" },
    batch: { type: "string", default: "16" },
  },
});
const size = Number(values.size);
const preprocessing = defaultPreprocessing([size, size]);
const augmentation = augmentationOptions();

/** @type {Map<string, number>} */
const stages = new Map();

/**
 * Adds the processor time of all threads (decoding has its own) to a stage.
 * @template T
 * @param {string} stage @param {() => T | Promise<T>} work @returns {Promise<T>}
 */
async function timed(stage, work) {
  const before = process.cpuUsage();
  const result = await work();
  const { user, system } = process.cpuUsage(before);
  stages.set(stage, (stages.get(stage) ?? 0) + (user + system) / 1000);
  return result;
}

/** @param {readonly { path: string }[]} items @param {boolean} count */
async function byStage(items, count) {
  const policy = augmentationOptions({ randAugment: {} }).randAugment;
  const pixels = new Float32Array(3 * size * size);
  stages.clear();
  for (const [place, { path }] of items.entries()) {
    const next = drawsFor("image", 1, 0, place);
    const image = await timed("decode", () => decodeImage(path));
    const window = randomCrop(image, augmentation.crop ?? { scale: [1, 1], ratio: [1, 1] }, next);
    const cut = await timed("resized crop", () => resizedCrop(image, window, [size, size], "bicubic"));
    const turned = await timed("flip", () => orient(cut, randomOrientation(augmentation, next)));
    const coloured = await timed("jitter", () => colourJitter(turned, augmentation.jitter, next));
    if (next() < augmentation.blur.probability) {
      await timed("blur (of one in ten)", () => gaussianBlur(coloured, 0.6));
    }
    await timed("normalise", () => normaliseInto(pixels, coloured, preprocessing));
    if (policy) await timed("RandAugment (off by default)", () => randAugment(coloured, policy, next));
  }
  if (!count) return;
  for (const [stage, ms] of stages) console.log(`  ${stage.padEnd(30)} ${(ms / items.length).toFixed(2)} ms`);
}

/** @param {AsyncIterable<{ size: number }>} batches @returns {Promise<string>} */
async function rate(batches) {
  const cpu = process.cpuUsage();
  const start = performance.now();
  let images = 0;
  for await (const batch of batches) images += batch.size;
  const { user, system } = process.cpuUsage(cpu);
  const seconds = (performance.now() - start) / 1000;
  return `${(images / seconds).toFixed(0)} images/s, ${((user + system) / 1000 / images).toFixed(2)} processor ms an image`;
}

for (const folder of positionals) {
  const dataset = await openDataset(folder);
  const items = dataset.items
    .filter((_, i) => i % Math.max(1, Math.floor(dataset.items.length / Number(values.images))) === 0)
    .map(({ path, label = "" }) => ({ path, label: Math.max(0, dataset.classes.indexOf(label)) }));
  console.log(`\n${folder}: ${items.length} images at ${size}`);
  await byStage(items.slice(0, 60), false);
  await byStage(items, true);
  for (const workers of values.workers.split(",").map(Number)) {
    const pool = imagePool({ workers });
    const plan = { items, classes: dataset.classes.length, preprocessing, pool, batch: Number(values.batch) };
    const train = trainingBatches({ ...plan, augmentation, seed: 1 });
    const evaluate = evaluationBatches(plan);
    console.log(`  ${workers} worker${workers > 1 ? "s" : ""}`);
    console.log(`    first epoch    ${await rate(train(0))}`);
    console.log(`    from memory    ${await rate(train(1))}`);
    console.log(`    evaluation     ${await rate(evaluate())}`);
    const memory = [];
    for (let epoch = 2; epoch < 8; epoch++) {
      await rate(train(epoch));
      memory.push((process.memoryUsage().rss / 2 ** 20).toFixed(0));
    }
    console.log(`    MiB in memory after each of six more epochs: ${memory.join(", ")}`);
    await pool.close();
  }
}
