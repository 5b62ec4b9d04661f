/**
 * @file Whether training waits for its images: a real fine-tuning on JPEG files, decoded and augmented ahead by the
 * workers that `vitreous finetune` has, and the share of its time in which the step had no batch to take.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { openDataset } from "../dist/datasets/open.js";
import { defaultPreprocessing } from "../dist/imaging/preprocessing.js";
import { trainingBatches } from "../dist/training/data/batches.js";
import { imagePool } from "../dist/training/data/node/pool.js";
import { augmentationOptions } from "../dist/training/data/options.js";
import { runSteps } from "../dist/training/run/steps.js";
import { CLASSES, untrained } from "./untrained.js";

/** Of the pictures that are made where no folder is given: as large as those of PBC. */
const [WIDTH, HEIGHT] = [360, 363];

/**
 * Pictures that compress as photographs do: blurred noise with some grain.
 * @param {string} folder @param {number} count
 */
async function writePictures(folder, count) {
  const items = [];
  for (let i = 0; i < count; i++) {
    const path = join(folder, `${i}.jpg`);
    const noise = (/** @type {number} */ size) =>
      Buffer.from(Uint8Array.from({ length: size }, () => Math.random() * 256));
    const grain = { raw: { width: WIDTH, height: HEIGHT, channels: /** @type {const} */ (3) } };
    const rough = { raw: { width: 24, height: 24, channels: /** @type {const} */ (3) } };
    const fine = await sharp(noise(3 * WIDTH * HEIGHT), grain)
      .ensureAlpha(0.06)
      .png()
      .toBuffer();
    await sharp(noise(3 * 24 * 24), rough)
      .resize(WIDTH, HEIGHT, { kernel: "cubic" })
      .composite([{ input: fine }])
      .jpeg({ quality: 92 })
      .toFile(path);
    items.push({ path, label: i % CLASSES });
  }
  return items;
}

/** @param {string} folder @param {number} count */
async function picturesOf(folder, count) {
  const { items, classes } = await openDataset(folder);
  const chosen = items.filter((_, i) => i % Math.max(1, Math.floor(items.length / count)) === 0);
  return chosen
    .slice(0, count)
    .map(({ path, label = "" }) => ({ path, label: Math.max(0, classes.indexOf(label)) % CLASSES }));
}

/**
 * Prints the share of the time, and how fast the same steps are on pictures that are there already. Nothing that was
 * decoded is kept, so that every step is one of the first epoch.
 * @param {string} architecture
 * @param {{ batch: number, steps: number, threads: number, folder: string | undefined }} options
 */
export async function showWaiting(architecture, { batch, steps, threads, folder }) {
  const made = folder === undefined ? await mkdtemp(join(tmpdir(), "vitreous-bench-")) : undefined;
  const count = batch * (steps + 1);
  const pool = imagePool({ cacheBytes: 0 });
  const { trainer, shape } = await untrained(architecture, { batch, threads, steps: 1000 });
  try {
    const items =
      made === undefined ? await picturesOf(folder ?? "", count) : await writePictures(made, count);
    if (items.length < 2 * batch) {
      throw new Error(`${folder} holds ${items.length} images; two batches of ${batch} are needed`);
    }
    const batches = trainingBatches({
      items,
      classes: CLASSES,
      preprocessing: defaultPreprocessing([shape[1] ?? 0, shape[2] ?? 0]),
      pool,
      batch,
      augmentation: augmentationOptions(),
      seed: 0,
    });
    /** @type {number[]} */
    const waits = [];
    /** @type {import("../dist/training/types.js").TrainingBatch | undefined} */
    let last;
    const watched = async function* () {
      let asked = performance.now();
      for await (const one of batches(0)) {
        waits.push(performance.now() - asked);
        last = one;
        yield one;
        asked = performance.now();
      }
    };
    /** @type {number[]} */
    const times = [];
    await runSteps({
      units: watched(),
      from: 0,
      step: (one) => trainer.step([one]),
      add: (done, _unit, _result, seconds) => {
        times.push(1000 * seconds);
        return done + 1;
      },
      save: async () => undefined,
      saveEvery: Number.POSITIVE_INFINITY,
      now: () => performance.now(),
    });
    const sum = (/** @type {readonly number[]} */ all) => all.reduce((a, b) => a + b, 0);
    const [first = 0, ...later] = waits;
    const total = sum(times.slice(1));
    const start = performance.now();
    for (let i = 0; last !== undefined && i < later.length; i++) await trainer.step([last]);
    const there = performance.now() - start;
    const rate = (/** @type {number} */ ms) => ((1000 * batch * later.length) / ms).toFixed(1);
    console.log(
      `\nfine-tuning ${architecture} on ${folder ?? "JPEG files"}, batch ${batch}, ${threads} threads`,
    );
    console.log(
      `  the step waited for its batch ${((100 * sum(later)) / total).toFixed(2)} % of the time, ${Math.max(...later).toFixed(0)} ms at most (${later.length} steps; the first batch took ${first.toFixed(0)} ms)`,
    );
    console.log(
      `  ${rate(total)} images/s with decoding and augmentation, ${rate(there)} with the pictures there already`,
    );
  } finally {
    await trainer.close();
    await pool.close();
    if (made !== undefined) await rm(made, { recursive: true });
  }
}
