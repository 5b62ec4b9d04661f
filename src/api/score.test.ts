import { describe, expect, it } from "vitest";
import type { EvaluationPlan } from "../metrics/metric.js";
import type { Fetches, NdArray, Session } from "../runtime/runtime.js";
import { type ScoreJob, type ScoreRun, scoreJobs } from "./score.js";

const SIZE = 3;
const CLASSES = 2;

/** A model whose logits are the sum of an input's values and its negative. Counts what it is given. */
function countingModel() {
  const runs: number[] = [];
  const session: Session = {
    async run(feeds): Promise<Fetches> {
      const { data, dims } = feeds.x as NdArray;
      const count = dims[0] ?? 0;
      runs.push(count);
      const logits = new Float32Array(count * CLASSES);
      for (let n = 0; n < count; n++) {
        let sum = 0;
        for (let i = 0; i < SIZE; i++) sum += Number(data[n * SIZE + i]);
        logits.set([sum, -sum], n * CLASSES);
      }
      return { z: { dtype: "float32", dims: [count, CLASSES], data: logits } };
    },
    release: async () => undefined,
  } as Session;
  const run = (batch: number): ScoreRun => ({
    session,
    logits: "z",
    classes: CLASSES,
    size: SIZE,
    batch,
    feed: (rows, count) => ({
      x: { dtype: "float32", dims: [count, SIZE], data: rows.slice(0, count * SIZE) },
    }),
  });
  return { runs, run };
}

/** A plan whose input `key` is filled with the number that the key is. */
const plan = (...keys: readonly number[]): EvaluationPlan => ({
  count: keys.length,
  key: (i) => String(keys[i]),
  write: (i, target) => target.fill(keys[i] ?? Number.NaN),
  parameters: {},
  score: () => ({ auc: 0, curve: [], extra: {}, notes: [] }),
});

async function scored(jobs: readonly ScoreJob<string>[], run: ScoreRun) {
  const all = [];
  for await (const { id, logits } of scoreJobs(jobs, run)) {
    all.push({ id, sums: logits.map((rows) => rows.map((row) => row[0])) });
  }
  return all;
}

const expected = (...plans: readonly (readonly number[])[]) => plans.map((keys) => keys.map((k) => SIZE * k));

describe("scoring", () => {
  it("gives each plan the logits at its inputs, image by image", async () => {
    const { run } = countingModel();
    const jobs = [
      { id: "a", plans: [plan(1, 2, 3), plan(4)] },
      { id: "b", plans: [plan(5)] },
      { id: "c", plans: [] },
    ];
    for (const batch of [1, 2, 3, 100]) {
      expect(await scored(jobs, run(batch))).toEqual([
        { id: "a", sums: expected([1, 2, 3], [4]) },
        { id: "b", sums: expected([5]) },
        { id: "c", sums: [] },
      ]);
    }
  });

  it("runs identical inputs of an image once, whichever plan asks for them", async () => {
    const { runs, run } = countingModel();
    const progress: number[] = [];
    const jobs = [{ id: "a", plans: [plan(1, 2, 3, 1), plan(3, 2, 1, 9), plan(9)] }];
    const result = await scored(jobs, { ...run(3), onForward: (n) => progress.push(n) });
    expect(result[0]?.sums).toEqual(expected([1, 2, 3, 1], [3, 2, 1, 9], [9]));
    expect(runs.reduce((a, b) => a + b, 0)).toBe(4);
    expect(progress.at(-1)).toBe(4);
  });

  it("does not run what is known already, and never mixes images up", async () => {
    const { runs, run } = countingModel();
    const known = new Map([["1", Float32Array.of(42, -42)]]);
    const jobs = [
      { id: "a", plans: [plan(1, 2)], known },
      { id: "b", plans: [plan(1, 2)] },
    ];
    const result = await scored(jobs, run(8));
    expect(result.map((r) => r.sums)).toEqual([[[42, 2 * SIZE]], expected([1, 2])]);
    expect(runs).toEqual([3]);
  });

  it("fills batches across plans and images: only the last may be short", async () => {
    const { runs, run } = countingModel();
    const jobs = Array.from({ length: 5 }, (_, j) => ({
      id: String(j),
      plans: [plan(j, j + 10), plan(j + 20)],
    }));
    await scored(jobs, run(4));
    expect(runs).toEqual([4, 4, 4, 3]);
  });

  it("asks for jobs only as it runs, so that memory does not grow with their number", async () => {
    const { run } = countingModel();
    let made = 0;
    function* jobs() {
      for (let j = 0; ; j++) {
        made++;
        yield { id: String(j), plans: [plan(j)] };
      }
    }
    for await (const { id } of scoreJobs(jobs(), run(2))) if (id === "9") break;
    expect(made).toBeLessThan(20);
  });

  it("passes a failure on", async () => {
    const { run } = countingModel();
    const session = {
      run: () => Promise.reject(new Error("no memory")),
      release: async () => undefined,
    } as unknown as Session;
    await expect(scored([{ id: "a", plans: [plan(1)] }], { ...run(2), session })).rejects.toThrow(
      "no memory",
    );
  });
});
