/**
 * @file What an explanation costs, as ratios to a plain forward pass of the same model and batch, measured in turns in
 * one run: machines are noisy, so medians of paired ratios, never seconds.
 *
 *     npm run bench -- MODEL.onnx… [--batch 1,8] [--rounds 9] [--threads 2] [--memory 1000]
 *
 * Without models, the bundled ViT-Tiny is measured. bench/export.py writes ViT-B/16, ViT-Ti/16 and Swin-T.
 */
import { parseArgs } from "node:util";
import { deletion, gradCam, gradientRollout, insertion, openModel } from "../dist/index.js";
import { plainForward } from "./plain-forward.js";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    batch: { type: "string", default: "1,8" },
    rounds: { type: "string", default: "9" },
    threads: { type: "string" },
    memory: { type: "string" },
  },
});
const models = positionals.length > 0 ? positionals : ["assets/models/vit_tiny_patch16_224"];
const rounds = Number(values.rounds);
const threads = values.threads === undefined ? {} : { threads: Number(values.threads) };

/** @param {readonly number[]} numbers */
const median = (numbers) => {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
};

/** @param {() => Promise<unknown>} work @returns {Promise<number>} milliseconds */
async function time(work) {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

/**
 * Runs both in turns and gives the median of time(work)/time(plain) with the quartiles.
 * @param {() => Promise<unknown>} plain
 * @param {() => Promise<unknown>} work
 */
async function ratio(plain, work) {
  await plain();
  await work();
  const ratios = [];
  const times = [];
  for (let i = 0; i < rounds; i++) {
    const before = await time(plain);
    const middle = await time(work);
    const after = await time(plain);
    ratios.push(middle / ((before + after) / 2));
    times.push((before + after) / 2);
  }
  const sorted = [...ratios].sort((a, b) => a - b);
  const quartile = (/** @type {number} */ q) => (sorted[Math.round(q * (sorted.length - 1))] ?? 0).toFixed(2);
  return {
    text: `${median(ratios).toFixed(3)}  [${quartile(0.25)}, ${quartile(0.75)}]`,
    plain: median(times),
  };
}

/** @param {import("../dist/index.js").OpenedModel} model @param {number} count */
function images(model, count) {
  const [height, width] = model.anatomy.image;
  const { channels } = model.anatomy.input;
  return Array.from({ length: count }, (_, k) => ({
    name: `image ${k}`,
    tensor: {
      data: Float32Array.from({ length: channels * height * width }, (_, i) =>
        Math.sin((i + 1) * (k + 1) * 0.618),
      ),
      channels,
      height,
      width,
    },
  }));
}

/** @param {AsyncIterable<unknown>} results */
async function drain(results) {
  for await (const _ of results);
}

for (const path of models) {
  const model = await openModel(path, threads);
  const plain = await plainForward(path, threads);
  console.log(`\n${path} (${model.anatomy.family}, ${model.anatomy.image.join("×")})`);
  console.log("  ratio to a plain forward pass, median [quartiles]");
  for (const batch of values.batch.split(",").map(Number)) {
    const inputs = images(model, batch);
    const forward = () => plain.run(inputs);
    for (const [name, method] of /** @type {const} */ ([
      ["Grad-CAM", gradCam()],
      ["gradient rollout", gradientRollout()],
    ])) {
      const explain = () => drain(model.explainAll(inputs, [method], { batch }));
      const { text, plain: ms } = await ratio(forward, explain);
      console.log(
        `  ${name.padEnd(22)} batch ${String(batch).padEnd(3)} ${text}   (forward ${ms.toFixed(0)} ms)`,
      );
    }
  }
  const [image] = images(model, 1);
  if (image !== undefined) {
    // A curve's forwards per second over raw batched forwards per second.
    const { height, width } = image.tensor;
    const map = {
      method: "ramp",
      values: Float32Array.from({ length: height * width }, (_, i) => (i * 7919) % 50021),
    };
    const metrics = [insertion({ step: 1792 }), deletion({ step: 1792 })];
    let forwards = 0;
    const score = () => model.score(image, [map], metrics, { onProgress: (n) => (forwards = n) });
    await score();
    const raw = images(model, 8);
    const batches = forwards / 8;
    const { text } = await ratio(async () => {
      for (let i = 0; i < Math.floor(batches); i++) await plain.run(raw);
      if (forwards % 8 > 0) await plain.run(raw.slice(0, forwards % 8));
    }, score);
    console.log(`  insertion + deletion   ${forwards} forwards, time over raw forwards: ${text}`);
  }
  if (values.memory !== undefined) await memory(model, Number(values.memory));
  await plain.close();
  await model.close();
}

/**
 * Resident memory over many explained images.
 * @param {import("../dist/index.js").OpenedModel} model
 * @param {number} count
 */
async function memory(model, count) {
  const [image] = images(model, 1);
  if (image === undefined) return;
  const stream = async function* () {
    for (let i = 0; i < count; i++)
      yield { ...image, tensor: { ...image.tensor, data: image.tensor.data.slice() } };
  };
  let [done, early, peak] = [0, 0, 0];
  for await (const _ of model.explainAll(stream(), [gradCam(), gradientRollout()])) {
    done++;
    const rss = process.memoryUsage().rss;
    if (done === 50) early = rss;
    if (done > 50) peak = Math.max(peak, rss);
  }
  console.log(
    `  memory over ${count} images: ${(early / 2 ** 20).toFixed(0)} MB after 50, at most ${(peak / 2 ** 20).toFixed(0)} MB (${((peak / early - 1) * 100).toFixed(1)} %)`,
  );
}
