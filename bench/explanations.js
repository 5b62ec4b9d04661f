/**
 * @file What an explanation costs, as ratios to a plain forward pass of the same model and batch, measured in turns in
 * one run.
 */
import { deletion, gradCam, gradientRollout, insertion, openModel } from "../dist/index.js";
import { ratio } from "./measure.js";
import { plainForward } from "./plain-forward.js";

const METHODS = /** @type {const} */ ([
  ["Grad-CAM", gradCam()],
  ["gradient rollout", gradientRollout()],
]);

/** Head of the table whose rows `explanationCosts` gives. */
export const tableHead = (/** @type {readonly number[]} */ batches) => {
  const columns = METHODS.map(([name]) => `${name}, batch ${batches.join(" / ")}`);
  const cells = ["time over a plain forward pass", ...columns, "insertion and deletion"];
  return `| ${cells.join(" | ")} |\n${"|---".repeat(cells.length)}|`;
};

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

/**
 * A curve's forwards: time over that of as many raw batched forwards.
 * @param {import("../dist/index.js").OpenedModel} model
 * @param {Awaited<ReturnType<typeof plainForward>>} plain
 * @param {number} rounds
 */
async function curves(model, plain, rounds) {
  const [image] = images(model, 1);
  if (image === undefined) return undefined;
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
  const measured = await ratio(
    async () => {
      for (let i = 0; i < Math.floor(forwards / 8); i++) await plain.run(raw);
      if (forwards % 8 > 0) await plain.run(raw.slice(0, forwards % 8));
    },
    score,
    rounds,
  );
  console.log(`  insertion + deletion   ${forwards} forwards  ${measured.text}   (over raw forwards)`);
  return measured.median;
}

/**
 * Prints the ratios and gives them as a row of a table.
 * @param {string} path
 * @param {{ batches: readonly number[], rounds: number, threads?: number, memory: number }} options
 */
export async function explanationCosts(path, { batches, rounds, memory, ...threads }) {
  const model = await openModel(path, threads);
  const plain = await plainForward(path, threads);
  console.log(`\n${path} (${model.anatomy.family}, ${model.anatomy.image.join("×")})`);
  console.log("  ratio to a plain forward pass, median [quartiles]");
  const cells = [];
  for (const [name, method] of METHODS) {
    const medians = [];
    for (const batch of batches) {
      const inputs = images(model, batch);
      const explain = () => drain(model.explainAll(inputs, [method], { batch }));
      const measured = await ratio(() => plain.run(inputs), explain, rounds);
      medians.push(measured.median.toFixed(2));
      console.log(
        `  ${name.padEnd(22)} batch ${String(batch).padEnd(3)} ${measured.text}   (forward ${measured.plain.toFixed(0)} ms)`,
      );
    }
    cells.push(medians.join(" / "));
  }
  cells.push((await curves(model, plain, rounds))?.toFixed(2) ?? "");
  if (memory > 0) await showMemory(model, memory);
  await plain.close();
  await model.close();
  return `| ${[path.replace(/^.*\//, "").replace(/\.onnx$/, ""), ...cells].join(" | ")} |`;
}

/**
 * Resident memory over many explained images.
 * @param {import("../dist/index.js").OpenedModel} model
 * @param {number} count
 */
async function showMemory(model, count) {
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
