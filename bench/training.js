/**
 * @file Training steps beside PyTorch's: two processes that hold the same architecture take a step in turns, so that
 * whatever else the machine does falls on both.
 */
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { ratio } from "./measure.js";

/** Milliseconds between two steps. */
const REST = 150;

const here = (/** @type {string} */ path) => fileURLToPath(new URL(path, import.meta.url));

/**
 * A process that takes steps.
 * @param {string} command
 * @param {readonly string[]} args
 */
async function stepper(command, args) {
  const child = spawn(command, args, { stdio: ["pipe", "pipe", "pipe"] });
  let complaint = "";
  child.stderr.on("data", (data) => {
    complaint += data;
  });
  /** @type {Promise<string>} */
  const failed = new Promise((_, reject) => {
    const because = (/** @type {string} */ why) => {
      reject(new Error(`${command} ${args.join(" ")} ended: ${complaint.trim().split("\n").at(-1) || why}`));
    };
    child.on("error", ({ message }) => because(message));
    child.on("close", (code) => because(`status ${code}`));
  });
  failed.catch(() => undefined);
  // A process that has ended is told of by `failed`.
  child.stdin.on("error", () => undefined);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const line = () => Promise.race([lines.next().then(({ value, done }) => (done ? failed : value)), failed]);
  const ready = await line();
  return {
    ready,
    async step() {
      child.stdin.write("step\n");
      await line();
    },
    /** Megabytes at most. */
    async end() {
      child.stdin.end();
      return Number(await line());
    },
  };
}

/**
 * Prints images a second of both, the ratio of their steps and their memory.
 * @param {string} architecture timm's name
 * @param {{ batch: number, rounds: number, threads: number, python: string | undefined }} options
 */
export async function compareTraining(architecture, { batch, rounds, threads, python }) {
  const args = [architecture, String(batch), String(threads)];
  const rate = (/** @type {number} */ ms) => `${((1000 * batch) / ms).toFixed(1)} images/s`;
  console.log(`\ntraining ${architecture}, batch ${batch}, ${threads} threads`);
  let missing = "give --python PATH, or VITREOUS_PYTHON, of a Python with torch and timm";
  const theirs =
    python === undefined
      ? undefined
      : await stepper(python, [here("peers/training.py"), ...args]).catch(({ message }) => {
          missing = message;
          return undefined;
        });
  const ours = await stepper(process.execPath, [here("training-steps.js"), ...args]);
  const taken = theirs ?? ours;
  const { text, plain, work } = await ratio(taken.step, ours.step, rounds, REST);
  const memory = await ours.end();
  console.log(`  ${rate(work)}, ${memory} MB at most`);
  if (theirs === undefined) {
    console.log(`  PyTorch is not measured: ${missing}`);
    return;
  }
  console.log(`  ${theirs.ready}: ${rate(plain)}, ${await theirs.end()} MB at most`);
  console.log(`  time of a step over PyTorch's: ${text}`);
}
