import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { TrainerState } from "../../types.js";
import { START } from "../loop.js";
import { lockFolder } from "./lock.js";
import { type RunState, stateFolder } from "./state-folder.js";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "vitreous-state-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const settings = { epochs: 3, optimiser: { learningRate: 1e-4, decay: 0.05 }, classes: ["a", "b"] };
const run: RunState = {
  settings,
  loop: { ...START, under: { ...START.under, loss: 0.1 + 0.2 } },
  finished: false,
};
const trainer = (step: number): TrainerState => ({
  step,
  updates: step,
  refused: 0,
  arrays: new Map([
    ["parameters/w", Float32Array.of(step, Math.fround(1 / 3), -0)],
    ["parameters/empty", new Float32Array(0)],
  ]),
});

describe("the state of a run on disk", () => {
  it("comes back bit for bit, with the best epoch's arrays", async () => {
    const state = await stateFolder(folder);
    expect(await state.read(settings)).toBeUndefined();
    const best = new Map([["w", Float32Array.of(7)]]);
    await state.keepBest(1, best);
    await state.save(run, trainer(5));
    expect(await (await stateFolder(folder)).read(settings)).toEqual({ ...run, trainer: trainer(5), best });
  });

  it("holds no files but those of the last save", async () => {
    const state = await stateFolder(folder);
    await state.keepBest(1, new Map());
    await state.save(run, trainer(5));
    await state.keepBest(2, new Map());
    await state.save(run, trainer(6));
    expect(readdirSync(folder).sort()).toEqual(["best-2.bin", "state.json", "weights-6-0.bin"]);
    await state.finish(run);
    expect(readdirSync(folder)).toEqual(["state.json"]);
    expect(await state.read(settings)).toBe("finished");
  });

  it("is what it was before when a save dies half-way", async () => {
    await (await stateFolder(folder)).save(run, trainer(5));
    // What a kill between the arrays and state.json leaves.
    writeFileSync(join(folder, "weights-6-0.bin"), "half");
    writeFileSync(join(folder, "best-3.bin"), "half");
    const again = await stateFolder(folder);
    expect(await again.read(settings)).toMatchObject({ trainer: { step: 5 } });
    await again.save(run, trainer(6));
    expect(readdirSync(folder).sort()).toEqual(["state.json", "weights-6-0.bin"]);
    expect(await again.read(settings)).toMatchObject({ trainer: trainer(6) });
  });

  it("refuses other settings and says what differs", async () => {
    const state = await stateFolder(folder);
    await state.save(run, trainer(1));
    const other = { ...settings, optimiser: { decay: 0.05, learningRate: 1e-3 }, patience: 2 };
    await expect(state.read(other)).rejects.toThrow(
      "optimiser.learningRate was 0.0001 and is 0.001 now; patience was not set and is 2 now.",
    );
    const reordered = { classes: ["a", "b"], optimiser: { decay: 0.05, learningRate: 1e-4 }, epochs: 3 };
    expect(await state.read(reordered)).toMatchObject({ finished: false });
  });

  it("tells what is damaged", async () => {
    const state = await stateFolder(folder);
    await state.save(run, trainer(1));
    writeFileSync(join(folder, "weights-1-0.bin"), "????????????");
    await expect(state.read(settings)).rejects.toThrow("weights-1-0.bin is damaged");
    const json = readFileSync(join(folder, "state.json"), "utf8");
    writeFileSync(join(folder, "state.json"), json.replace('"epochs": 3', '"epochs": 4'));
    await expect(state.read(settings)).rejects.toThrow("state.json is damaged");
    writeFileSync(join(folder, "state.json"), json.slice(0, 50));
    await expect(state.read(settings)).rejects.toThrow("state.json is damaged");
  });
});

describe("the lock of a run's folder", () => {
  const lock = () => join(folder, "lock");

  it("refuses a second run until the first is done", async () => {
    const release = await lockFolder(folder);
    await expect(lockFolder(folder)).rejects.toThrow(`in use by process ${process.pid}`);
    await release();
    await (await lockFolder(folder))();
    expect(readdirSync(folder)).toEqual([]);
  });

  it("is taken over from a process that is no more", async () => {
    const { pid } = spawnSync(process.execPath, ["-e", ""]);
    writeFileSync(lock(), JSON.stringify({ pid, host: hostname() }));
    await (await lockFolder(folder))();
  });

  it.skipIf(!existsSync("/proc/self/stat"))(
    "is taken over where another process has got the number since",
    async () => {
      writeFileSync(lock(), JSON.stringify({ pid: process.pid, host: hostname(), began: "another boot 1" }));
      await (await lockFolder(folder))();
    },
  );

  it("is kept for a process of another machine, and by a file that says nothing", async () => {
    writeFileSync(lock(), JSON.stringify({ pid: 1, host: "elsewhere" }));
    await expect(lockFolder(folder)).rejects.toThrow(`process 1 on elsewhere`);
    writeFileSync(lock(), "");
    await expect(lockFolder(folder)).rejects.toThrow(`remove ${lock()}`);
  });

  it("goes to one of many that find a dead one at once", async () => {
    const { pid } = spawnSync(process.execPath, ["-e", ""]);
    writeFileSync(lock(), JSON.stringify({ pid, host: hostname() }));
    const results = await Promise.allSettled(Array.from({ length: 8 }, () => lockFolder(folder)));
    expect(results.filter((r) => r.status === "fulfilled")).toHaveLength(1);
  });
});
