/**
 * @file What a study costs over the forward passes that it consists of, run raw in batches: images read, decoded and
 * planned, maps, blur, perturbed inputs, the store, statistics, tables, figures and the report are all in it.
 */
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { writeOutputs } from "../dist/cli/study-outputs.js";
import { openModel } from "../dist/index.js";
import { uniform } from "../dist/random.js";
import { runStudy } from "../dist/study/node/run-study.js";
import { planStudy } from "../dist/study/plan/node/plan-study.js";
import { ratio } from "./measure.js";
import { plainForward } from "./plain-forward.js";

/** Pixels between two points of a curve: 29 points at 224×224. */
const STEP = 1792;
export const BATCH = 8;
/** Forward passes over which the two kinds of raw ones are compared. */
const COMPARED = 48;

/** @param {string} folder @param {number} count */
export async function writePhotographs(folder, count) {
  await mkdir(folder, { recursive: true });
  for (let i = 0; i < count; i++) {
    const next = uniform(i + 1);
    const coarse = Uint8Array.from({ length: 20 * 15 * 3 }, () => Math.floor(next() * 256));
    await sharp(coarse, { raw: { width: 20, height: 15, channels: 3 } })
      .resize(640, 480, { kernel: "cubic" })
      .jpeg({ quality: 90 })
      .toFile(join(folder, `${i}.jpg`));
  }
}

/**
 * @param {string} path of a model
 * @param {string} images
 * @returns {import("../dist/study/types.js").StudyDeclaration}
 */
export function declare(path, images) {
  const opening = { arch: null, head: null, preprocess: null, labels: null, imageSize: null };
  const dataset = { id: "photographs", title: "Photographs", path: images };
  return {
    title: "Bench",
    seed: 0,
    datasets: [{ ...dataset, split: null, splits: null, images: null, select: "order" }],
    models: [{ id: "model", title: path, checkpoints: { photographs: { path, ...opening } } }],
    methods: ["grad-cam", "gradient-rollout"].map((id) => ({ id, spec: id, parameters: {} })),
    metrics: [
      { id: "insertion", spec: `insertion:step=${STEP}`, parameters: {}, direction: "higher" },
      { id: "deletion", spec: `deletion:step=${STEP}`, parameters: {}, direction: "lower" },
    ],
    class: "top",
    controls: [],
    statistics: { level: 0.95, resamples: 1000, test: "wilcoxon", alpha: 0.05, power: 0.8 },
    report: { gallery: 0, misclassified: 0 },
    run: { device: "cpu", batch: BATCH, unit: 8 },
  };
}

/** A rate, from a ratio of times. */
const inverse = (/** @type {number} */ times) => (1 / times).toFixed(2);

/**
 * Prints throughput over raw forward passes.
 *
 * @param {string} path of a model
 * @param {{ images: number, rounds: number, threads?: number }} options
 */
export async function studyCosts(path, { images, rounds, threads = 2 }) {
  const folder = await mkdtemp(join(tmpdir(), "vitreous-bench-"));
  try {
    await writePhotographs(join(folder, "images"), images);
    const declaration = declare(path, join(folder, "images"));
    const out = join(folder, "out");
    let passes = 0;
    const whole = async () => {
      await rm(out, { recursive: true, force: true });
      const work = { declaration, plan: await planStudy(declaration) };
      ({ forwards: passes } = await runStudy(work, { out, workers: 1, threads }));
      await writeOutputs(out);
    };
    await whole();
    const explanations = images * declaration.methods.length;
    const model = await openModel(path, { threads });
    const image = await model.read(join(folder, "images", "0.jpg"));
    const plain = await plainForward(path, { threads });
    const raw = (/** @type {number} */ count) => async () => {
      for (let left = count; left > 0; left -= BATCH)
        await plain.run(Array.from({ length: Math.min(BATCH, left) }, () => image));
    };
    const same = Array.from({ length: COMPARED }, () => image);
    const own = async () => {
      for await (const _ of model.predictAll(same, { batch: BATCH }));
    };
    const rewritten = await ratio(raw(COMPARED), own, 3 * rounds);
    await model.close();
    const cost = await ratio(raw(passes), whole, rounds);
    await plain.close();
    console.log(
      `\n${path}: a study of ${images} images with its report, ${passes - explanations} forward passes and ${explanations} explanations`,
    );
    console.log(
      `  throughput over ${passes} raw forward passes of the model as it is, in batches of ${BATCH}: ${inverse(cost.median)} (by processor time ${inverse(cost.cpu)})`,
    );
    console.log(
      `  over those of the graph as it is run, which takes ${rewritten.median.toFixed(2)} of the time: ${inverse(cost.median / rewritten.median)} (by processor time ${inverse(cost.cpu / rewritten.cpu)})`,
    );
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
