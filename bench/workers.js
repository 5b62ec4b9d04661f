/**
 * @file What the workers of a study gain, beside what the machine gives at all: two processes that do nothing but forward
 * passes rarely do twice the work of one, as they share memory, caches and clock.
 */
import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { runStudy } from "../dist/study/node/run-study.js";
import { planStudy } from "../dist/study/plan/node/plan-study.js";
import { median } from "./measure.js";
import { declare, writePhotographs } from "./study.js";

const PLAIN = fileURLToPath(new URL("./plain-process.js", import.meta.url));

/**
 * A process that runs forward passes whenever it is told how many.
 *
 * @param {string} path of a model
 * @param {string} image
 */
async function plainProcess(path, image) {
  const child = spawn(process.execPath, [PLAIN, path, image], { stdio: ["pipe", "pipe", "inherit"] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  await lines.next();
  return {
    /** @param {number} passes */
    async run(passes) {
      child.stdin.write(`${passes}\n`);
      await lines.next();
    },
    end: () => child.stdin.end(),
  };
}

/** @param {() => Promise<unknown>} work */
async function seconds(work) {
  const start = performance.now();
  await work();
  return (performance.now() - start) / 1000;
}

/**
 * Prints the efficiency of two workers of one thread: each process's start and its opening of the model included.
 *
 * @param {string} path of a model
 * @param {{ images: number, rounds: number }} options
 */
export async function workerGains(path, { images, rounds }) {
  const folder = await mkdtemp(join(tmpdir(), "vitreous-bench-"));
  /** @type {Awaited<ReturnType<typeof plainProcess>>[]} */
  const processes = [];
  try {
    await writePhotographs(join(folder, "images"), images);
    const declaration = declare(path, join(folder, "images"));
    const out = join(folder, "out");
    let passes = 0;
    const study = (/** @type {number} */ workers, /** @type {number} */ threads) => async () => {
      await rm(out, { recursive: true, force: true });
      const work = { declaration, plan: await planStudy(declaration) };
      ({ forwards: passes } = await runStudy(work, { out, workers, threads }));
    };
    const image = join(folder, "images", "0.jpg");
    processes.push(await plainProcess(path, image), await plainProcess(path, image));
    await study(1, 2)();
    const half = Math.floor(passes / 2);
    const plain = async () => processes[0]?.run(2 * half);
    const both = () => Promise.all(processes.map((each) => each.run(half)));
    /** @type {number[][]} */
    const gains = [];
    for (let round = 0; round < rounds; round++) {
      const two = await seconds(study(2, 1));
      const overWide = (await seconds(study(1, 2))) / two;
      const before = process.cpuUsage();
      const alone = await seconds(study(1, 1));
      const { user, system } = process.cpuUsage(before);
      const machine = (await seconds(plain)) / 2 / (await seconds(both));
      gains.push([overWide, alone / 2 / two, machine, (user + system) / 1e6 / alone]);
    }
    const [wide, one, machine, cores] = [0, 1, 2, 3].map((i) =>
      median(gains.map((row) => row[i] ?? 0)).toFixed(2),
    );
    console.log(
      `\n${path}: a study of ${images} images in ${passes} forward passes, two workers of one thread`,
    );
    console.log(`  throughput over one worker of two threads:            ${wide}`);
    console.log(`  over one worker of one thread, twice:                 ${one}`);
    console.log(`  two processes of plain passes over one of them, twice: ${machine}`);
    console.log(`  cores that one worker of one thread keeps busy:        ${cores}`);
  } finally {
    for (const each of processes) each.end();
    await rm(folder, { recursive: true, force: true });
  }
}
