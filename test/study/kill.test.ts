/**
 * @file A study survives what happens to long runs: it is killed at any moment, and started twice. Processes are killed
 * with SIGKILL, which nothing can be done about in them; set VITREOUS_KILLS for more kills than the suite has time for.
 */
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { uniform } from "../../src/random.js";
import { smallStudy, writePictures } from "../../src/study/node/testing/small-study.js";
import type { StudyRunSummary } from "../../src/study/run/types.js";
import { ensureBuilt } from "../cli/built.js";

const KILLS = Number(process.env.VITREOUS_KILLS ?? 8);
const SCRIPT = fileURLToPath(new URL("run.js", import.meta.url));

const folder = mkdtempSync(join(tmpdir(), "vitreous-kills-"));
let workFile: string;
let undisturbed: ReadonlyMap<string, string>;
let expected: StudyRunSummary;
/** That an undisturbed run takes, and until its first map. */
let milliseconds: number;
let firstMap: number;

interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

interface Started {
  readonly child: ChildProcessWithoutNullStreams;
  readonly end: Promise<Ended>;
}

function start(out: string, workers = 1): Started {
  const child = spawn(process.execPath, [SCRIPT, workFile, out, String(workers)]);
  let [text, err] = ["", ""];
  child.stdout.on("data", (data) => {
    text += data;
  });
  child.stderr.on("data", (data) => {
    err += data;
  });
  return {
    child,
    end: new Promise((resolve) => child.on("close", (code) => resolve({ code, out: text, err }))),
  };
}

const run = async (out: string, workers = 1): Promise<StudyRunSummary> =>
  summaryOf(await start(out, workers).end);

function summaryOf({ code, out: text, err }: Ended): StudyRunSummary {
  expect([code, err]).toEqual([0, ""]);
  return JSON.parse(text.trim().split("\n").at(-1) ?? "") as StudyRunSummary;
}

/** Every file of a store, by its name, as text; files that a killed process left unfinished are none of it. */
function stored(out: string): ReadonlyMap<string, string> {
  const cells = join(out, "cells");
  const entries = readdirSync(cells, { recursive: true, withFileTypes: true });
  const files = entries.filter((e) => e.isFile() && !e.name.endsWith(".part"));
  const paths = files.map((e) => join(e.parentPath, e.name));
  return new Map(paths.map((path) => [relative(cells, path), readFileSync(path, "latin1")] as const).sort());
}

beforeAll(async () => {
  await ensureBuilt();
  await writePictures(join(folder, "images"), 5);
  const work = await smallStudy(join(folder, "images"), { run: { device: "cpu", batch: 4, unit: 2 } });
  workFile = join(folder, "work.json");
  writeFileSync(workFile, JSON.stringify(work));
  const started = performance.now();
  const { child, end } = start(join(folder, "undisturbed"));
  child.stdout.once("data", () => {
    firstMap = performance.now() - started;
  });
  expected = summaryOf(await end);
  milliseconds = performance.now() - started;
  undisturbed = stored(join(folder, "undisturbed"));
}, 1_200_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("a study", () => {
  it(
    `that is killed ${KILLS} times comes out byte for byte as one that is not`,
    async () => {
      const next = uniform(Number(process.env.VITREOUS_KILL_SEED ?? 1));
      const out = join(folder, "killed");
      let finished = 0;
      for (let kills = 0; kills < KILLS; ) {
        const { child, end } = start(out);
        // By turns from the start, and from the first map on: starting takes a good part of so small a study.
        const begun = new Promise((resolve) => child.stdout.once("data", resolve));
        if (kills % 2 === 1) await Promise.race([begun, end]);
        const span = kills % 2 === 1 ? milliseconds - firstMap : milliseconds;
        const killed = await Promise.race([
          end.then(() => false),
          sleep(next() * span * 1.05).then(() => child.kill("SIGKILL")),
        ]);
        await end;
        if (killed) kills++;
        else {
          // It came to its end first: from the beginning again.
          expect(stored(out)).toEqual(undisturbed);
          rmSync(out, { recursive: true });
          finished++;
        }
      }
      const last = await run(out);
      expect(last.cells.done).toBe(expected.cells.total);
      expect(stored(out)).toEqual(undisturbed);
      console.log(`${KILLS} kills, ${finished} runs to the end between them`);
    },
    60_000 + KILLS * 120_000,
  );

  it("computes nothing twice when two processes run it at once, nor with workers", async () => {
    const out = join(folder, "twice");
    const both = await Promise.all([run(out), run(out)]);
    expect(both.map(({ cells }) => cells.done)).toEqual([expected.cells.total, expected.cells.total]);
    expect(both.reduce((sum, { forwards }) => sum + forwards, 0)).toBe(expected.forwards);
    expect(stored(out)).toEqual(undisturbed);

    const workers = await run(join(folder, "workers"), 2);
    expect(workers.forwards).toBe(expected.forwards);
    expect(workers.cells).toEqual(expected.cells);
    expect(stored(join(folder, "workers"))).toEqual(undisturbed);
  }, 1_200_000);
});
