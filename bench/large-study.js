/**
 * @file What many images cost a study beyond their number: resident memory and time of each stretch, for a few images and
 * for many. Everything is as a user runs it: the command with its worker processes, then the rows, statistics, tables and
 * the report. The model is tiny, so that what grows is the engine's own.
 *
 *     node bench/large-study.js [--images 1000,10000] [--workers 2] [--folder KEEP]
 */
import { execFile, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs, promisify } from "node:util";
import sharp from "sharp";
import { uniform } from "../dist/random.js";

const { values } = parseArgs({
  options: {
    images: { type: "string", default: "1000,10000" },
    workers: { type: "string", default: "2" },
    /** Images and results are left there. */
    folder: { type: "string" },
  },
});

const MODEL = "../test/fixtures/checkpoints/transformers-vitforimageclassification-plain/checkpoint";
const CLASSES = 6;
const SIDE = 32;
/** Pixels between two points of a curve, of the model's 16×16. */
const STEP = 64;
const LOOK_MS = 500;

const ps = promisify(execFile);
const local = (/** @type {string} */ path) => fileURLToPath(new URL(path, import.meta.url));

/** @param {string} folder @param {number} count */
async function writeImages(folder, count) {
  for (let label = 0; label < CLASSES; label++)
    await mkdir(join(folder, `LABEL_${label}`), { recursive: true });
  for (let i = 0; i < count; i++) {
    const next = uniform(i + 1);
    const data = Uint8Array.from({ length: SIDE * SIDE * 3 }, () => Math.floor(next() * 256));
    const path = join(folder, `LABEL_${i % CLASSES}`, `${i}.jpg`);
    await sharp(data, { raw: { width: SIDE, height: SIDE, channels: 3 } })
      .jpeg()
      .toFile(path);
  }
}

/** Resident memory in MB of a process and of its children together, as the system counts it. @param {number} pid */
async function resident(pid) {
  const { stdout } = await ps("ps", ["-axo", "pid=,ppid=,rss="]);
  const rows = stdout
    .trim()
    .split("\n")
    .map((line) => line.trim().split(/\s+/).map(Number));
  const megabytes = (/** @type {(row: number[]) => boolean} */ wanted) =>
    rows.filter(wanted).reduce((sum, row) => sum + (row[2] ?? 0) / 1024, 0);
  return { main: megabytes((row) => row[0] === pid), workers: megabytes((row) => row[1] === pid) };
}

/** @param {string} folder @returns {Promise<number>} */
async function unitsIn(folder) {
  const names = existsSync(folder) ? await readdir(folder, { recursive: true }) : [];
  return names.filter((name) => name.endsWith(".cell")).length;
}

/** What the command is at. @param {string} out */
async function stretchOf(out) {
  const index = join(out, "cells", "index.json");
  if (!existsSync(index)) return "planning";
  if (existsSync(join(out, "tables"))) return "report";
  // The index is written whole at the end of the computing, and "complete" stands in it once.
  if (!(await readFile(index, "utf8")).includes('"complete":true')) return "computing";
  return "statistics";
}

/** @param {number} count */
async function measure(count) {
  const folder = values.folder ?? (await mkdtemp(join(tmpdir(), "vitreous-bench-")));
  const images = join(folder, `images-${count}`);
  if (!existsSync(images)) await writeImages(images, count);
  const config = join(folder, `study-${count}.yaml`);
  const out = join(folder, `out-${count}`);
  await rm(out, { recursive: true, force: true });
  await writeFile(
    config,
    JSON.stringify({
      datasets: { noise: images },
      models: { tiny: local(MODEL) },
      methods: ["grad-cam"],
      metrics: [`deletion:step=${STEP}`],
    }),
  );
  const args = [local("../dist/cli/main.js"), "study", config, "--out", out, "--quiet"];
  const child = spawn(process.execPath, [...args, "--workers", values.workers], { stdio: "inherit" });
  let ended = false;
  const status = new Promise((resolve) =>
    child.on("exit", (code) => {
      ended = true;
      resolve(code);
    }),
  );
  /** @type {{ stretch: string, share: number, seconds: number, main: number, workers: number }[]} */
  const seen = [];
  const start = performance.now();
  let units = 0;
  while (!ended) {
    const stretch = await stretchOf(out);
    if (stretch === "computing") units = await unitsIn(join(out, "cells"));
    const memory = await resident(child.pid ?? 0);
    if (memory.main > 0)
      seen.push({ stretch, share: units, seconds: (performance.now() - start) / 1000, ...memory });
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
  if ((await status) !== 0) throw new Error(`the study of ${count} images ended with ${await status}`);
  const all = await unitsIn(join(out, "cells"));
  print(count, seen, all);
  const size = async (/** @type {string} */ name) =>
    ((await stat(join(out, name))).size / 2 ** 20).toFixed(1);
  console.log(
    `  ${all} stored results; report.html ${await size("report.html")} MB, scores.parquet ${await size("scores.parquet")} MB`,
  );
  if (values.folder === undefined) await rm(folder, { recursive: true, force: true });
  return Math.max(...seen.map((s) => s.main + s.workers));
}

/**
 * @param {number} count
 * @param {readonly { stretch: string, share: number, seconds: number, main: number, workers: number }[]} seen
 * @param {number} units
 */
function print(count, seen, units) {
  console.log(`\n${count} images of ${SIDE}×${SIDE}, ${values.workers} workers`);
  const line = (/** @type {string} */ what, /** @type {typeof seen} */ part) => {
    const [first, last] = [part[0], part.at(-1)];
    if (first === undefined || last === undefined) return;
    const most = (/** @type {"main" | "workers"} */ of) => Math.max(...part.map((s) => s[of])).toFixed(0);
    const seconds = (last.seconds - first.seconds + LOOK_MS / 1000).toFixed(1);
    console.log(
      `  ${what.padEnd(20)} ${seconds.padStart(7)} s   main process ${most("main").padStart(5)} MB at most, workers ${most("workers").padStart(5)} MB`,
    );
  };
  line(
    "planning",
    seen.filter((s) => s.stretch === "planning"),
  );
  const computing = seen.filter((s) => s.stretch === "computing");
  for (const [from, to] of [
    [0, 0.1],
    [0.1, 0.5],
    [0.5, 0.9],
    [0.9, 2],
  ]) {
    const name = `computing to ${Math.min(100, (to ?? 0) * 100)} %`;
    line(
      name,
      computing.filter((s) => s.share >= (from ?? 0) * units && s.share < (to ?? 0) * units),
    );
  }
  line(
    "rows and statistics",
    seen.filter((s) => s.stretch === "statistics"),
  );
  line(
    "report",
    seen.filter((s) => s.stretch === "report"),
  );
}

const peaks = [];
for (const count of values.images.split(",").map(Number)) peaks.push([count, await measure(count)]);
const [[few = 0, small = 0] = [], [many = 0, large = 0] = []] = [peaks[0], peaks.at(-1)];
if (peaks.length > 1) {
  const [factor, growth] = [many / few, large / small];
  console.log(
    `\n${factor.toFixed(0)} times the images: ${growth.toFixed(2)} times the memory at its peak (${small.toFixed(0)} and ${large.toFixed(0)} MB)`,
  );
}
