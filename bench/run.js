/**
 * @file What an explanation costs, as ratios to a plain forward pass of the same model and batch, measured in turns in
 * one run: machines are noisy, so medians of paired ratios, never seconds.
 *
 *     npm run bench -- MODEL.onnx… [--batch 1,8] [--rounds 9] [--threads 2] [--memory 1000]
 *
 *     npm run bench -- --pair CHECKPOINT=MODEL.onnx… [--batch 1,8] [--rounds 9] [--threads 2]
 *
 * Without models, the bundled ViT-Tiny is measured. A pair is a checkpoint and the file exported from the same model: what
 * is measured is a forward pass of the one over that of the other. bench/export.py writes both, for ViT-B/16, ViT-Ti/16,
 * DeiT-S/16 and Swin-T.
 */
import { parseArgs } from "node:util";
import { deletion, gradCam, gradientRollout, insertion, openModel } from "../dist/index.js";
import { compareWithExport } from "./checkpoints.js";
import { ratio } from "./measure.js";
import { plainForward } from "./plain-forward.js";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    batch: { type: "string", default: "1,8" },
    rounds: { type: "string", default: "9" },
    threads: { type: "string" },
    memory: { type: "string" },
    pair: { type: "string", multiple: true, default: [] },
  },
});
const bundled = values.pair.length > 0 ? [] : ["assets/models/vit_tiny_patch16_224"];
const models = positionals.length > 0 ? positionals : bundled;
const batches = values.batch.split(",").map(Number);
const rounds = Number(values.rounds);
const threads = values.threads === undefined ? {} : { threads: Number(values.threads) };

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

for (const pair of values.pair) await compareWithExport(pair, { batches, rounds, ...threads });

for (const path of models) {
  const model = await openModel(path, threads);
  const plain = await plainForward(path, threads);
  console.log(`\n${path} (${model.anatomy.family}, ${model.anatomy.image.join("×")})`);
  console.log("  ratio to a plain forward pass, median [quartiles]");
  for (const batch of batches) {
    const inputs = images(model, batch);
    const forward = () => plain.run(inputs);
    for (const [name, method] of /** @type {const} */ ([
      ["Grad-CAM", gradCam()],
      ["gradient rollout", gradientRollout()],
    ])) {
      const explain = () => drain(model.explainAll(inputs, [method], { batch }));
      const { text, plain: ms } = await ratio(forward, explain, rounds);
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
    const { text } = await ratio(
      async () => {
        for (let i = 0; i < Math.floor(batches); i++) await plain.run(raw);
        if (forwards % 8 > 0) await plain.run(raw.slice(0, forwards % 8));
      },
      score,
      rounds,
    );
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
