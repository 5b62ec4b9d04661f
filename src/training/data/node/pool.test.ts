import { copyFileSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { decodeImage } from "../../../imaging/node/decode.js";
import { rgbPng } from "../../../imaging/node/png.js";
import { preprocess } from "../../../imaging/preprocess.js";
import { resizedTo, torchvisionPreprocessing } from "../../../imaging/preprocessing.js";
import { VitreousError } from "../../../onnx/errors.js";
import type { TrainingBatch } from "../../types.js";
import { evaluationBatches, type TrainingItem, type TrainingPlan, trainingBatches } from "../batches.js";
import { augmentationOptions, NO_AUGMENTATION } from "../options.js";
import type { ImagePool } from "../pool.js";
import { imagePool, poolOf } from "./pool.js";

const preprocessing = torchvisionPreprocessing(20, [16, 16]);
const fixture = (name: string): string =>
  fileURLToPath(new URL(`../../../../test/fixtures/imaging/${name}`, import.meta.url));
const names = [
  "cell.png",
  "lesion.png",
  "baseline-420.jpg",
  "plain.tif",
  "rgb24.bmp",
  "lossy.webp",
  "grey.jpg",
];

let folder = "";
let items: TrainingItem[] = [];
let one: ImagePool;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "vitreous-batches-"));
  items = names.flatMap((name, i) =>
    [0, 1, 2].map((copy) => {
      const path = join(folder, `${copy}-${name}`);
      copyFileSync(fixture(name), path);
      return { path, label: (i + copy) % 3 };
    }),
  );
  one = imagePool({ workers: 1 });
});
afterAll(async () => {
  await one.close();
  rmSync(folder, { recursive: true });
});

const augmentation = augmentationOptions({
  verticalFlip: 0.5,
  rightAngles: true,
  randAugment: {},
  erasing: { probability: 0.5 },
  mixUp: 0.4,
  cutMix: 1,
  blur: { probability: 0.5 },
});
const plan = (pool: ImagePool, more: Partial<TrainingPlan> = {}): TrainingPlan => ({
  items,
  classes: 3,
  preprocessing,
  augmentation,
  pool,
  batch: 4,
  seed: 7,
  ...more,
});

async function collect(batches: AsyncIterable<TrainingBatch>): Promise<TrainingBatch[]> {
  const all: TrainingBatch[] = [];
  for await (const batch of batches) all.push(batch);
  return all;
}

describe("batches for training", () => {
  it("are the same bits in every run, from memory as from files, with one worker as with three", async () => {
    const first = await collect(trainingBatches(plan(one))(2));
    expect(first).toHaveLength(5);
    expect(await collect(trainingBatches(plan(one))(2))).toEqual(first);
    const three = imagePool({ workers: 3, cacheBytes: 100_000 });
    expect(await collect(trainingBatches(plan(three, { ahead: 5 }))(2))).toEqual(first);
    await three.close();
    expect(await collect(trainingBatches(plan(one, { seed: 8 }))(2))).not.toEqual(first);
    expect(await collect(trainingBatches(plan(one))(3))).not.toEqual(first);
  });

  it("go on after a stop as they would have gone on, and nothing before is prepared", async () => {
    const whole = await collect(trainingBatches(plan(one))(1));
    let asked = 0;
    const counting: ImagePool = {
      ...one,
      prepare: (task, signal) => {
        asked++;
        return one.prepare(task, signal);
      },
    };
    expect(await collect(trainingBatches(plan(counting))(1, 3))).toEqual(whole.slice(3));
    expect(asked).toBe(8);
  });

  it("are made no further ahead than asked", async () => {
    const asked: number[] = [];
    const counting: ImagePool = {
      ...one,
      prepare: (task, signal) => {
        asked.push(1);
        return one.prepare(task, signal);
      },
    };
    for (const ahead of [0, 1, 3]) {
      asked.length = 0;
      let taken = 0;
      for await (const _ of trainingBatches(plan(counting, { ahead, batch: 2 }))(0)) {
        taken++;
        await new Promise((resolve) => setTimeout(resolve, 5));
        expect(asked.length).toBe(2 * Math.min(10, taken + ahead));
      }
    }
  });

  it("hold each image once, and soft targets that sum to 1", async () => {
    const batches = await collect(trainingBatches(plan(one, { last: "pad" }))(0));
    const seen = batches.flatMap(({ indices }) => [...indices]);
    expect(seen.sort((a, b) => a - b)).toEqual(items.map((_, i) => i));
    for (const { targets, sampleWeights, size } of batches) {
      for (let i = 0; i < 4; i++) {
        const sum = targets.subarray(i * 3, (i + 1) * 3).reduce((a, b) => a + b, 0);
        expect(sum).toBeCloseTo(i < size ? 1 : 0, 6);
      }
      expect(sampleWeights.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 6);
      expect(sampleWeights.filter((w) => w > 0)).toHaveLength(size);
    }
    const last = batches.at(-1);
    expect(last?.size).toBe(1);
    expect(last?.pixels.subarray(3 * 16 * 16).every((v) => v === 0)).toBe(true);
  });

  it("are of the sizes asked for, drawn for each batch by its number, the pictures whole at each", async () => {
    const sizes = [
      [16, 16],
      [24, 32],
    ] as const;
    const still = { augmentation: NO_AUGMENTATION, sizes, batch: 2 };
    const batches = await collect(trainingBatches(plan(one, still))(0));
    const drawn = batches.map(({ image }) => image?.join("x"));
    expect(new Set(drawn)).toEqual(new Set(["16x16", "24x32"]));
    expect(await collect(trainingBatches(plan(one, still))(0, 4))).toEqual(batches.slice(4));
    expect(
      (await collect(trainingBatches(plan(one, still))(1))).map(({ image }) => image?.join("x")),
    ).not.toEqual(drawn);
    const large = batches.find(({ image }) => image?.[1] === 32);
    const image = await decodeImage(items[large?.indices[0] ?? -1]?.path ?? "");
    const there = resizedTo(preprocessing, [24, 32]) ?? preprocessing;
    expect(large?.pixels.subarray(0, 3 * 24 * 32)).toEqual(preprocess(image, there).data);
  });

  it("weigh images by their classes", async () => {
    const [batch] = await collect(
      trainingBatches(
        plan(one, {
          batch: 21,
          classWeights: Float32Array.of(1, 2, 4),
          augmentation: augmentationOptions(),
        }),
      )(0),
    );
    const weights = batch?.indices.map((index) => [1, 2, 4][items[index]?.label ?? 0] ?? 0) ?? [];
    const total = weights.reduce((a, b) => a + b, 0);
    weights.forEach((w, i) => {
      expect(batch?.sampleWeights[i]).toBeCloseTo(w / total, 6);
    });
  });

  it("replace an image that cannot be read by another of its class, always the same, and say so once", async () => {
    const damaged = join(folder, "damaged.jpg");
    copyFileSync(fixture("baseline-444.jpg"), damaged);
    truncateSync(damaged, 2000);
    const withDamage = [...items, { path: damaged, label: 1 }, { path: join(folder, "gone.png"), label: 1 }];
    const run = async () => {
      const told: [number, string][] = [];
      const batches = trainingBatches(
        plan(one, {
          items: withDamage,
          last: "pad",
          onSetAside: (index, reason) => told.push([index, reason]),
        }),
      );
      const first = await collect(batches(0));
      return { told, batches: [...first, ...(await collect(batches(1)))] };
    };
    const { told, batches } = await run();
    expect(told.map(([index]) => index).sort()).toEqual([21, 22]);
    expect(told.map(([, reason]) => reason).join("\n")).toMatch(/damaged\.jpg is damaged or truncated/);
    expect(told.map(([, reason]) => reason).join("\n")).toMatch(/gone\.png does not exist/);
    const seen = batches.flatMap(({ indices }) => [...indices]);
    expect(seen).toHaveLength(46);
    expect(seen.every((index) => index < 21)).toBe(true);
    expect((await run()).batches).toEqual(batches);
  });

  it("end with the reason where no image of a class can be read", async () => {
    const gone = [...items, { path: join(folder, "gone.png"), label: 3 }];
    const batches = trainingBatches(plan(one, { items: gone, classes: 4, last: "pad" }));
    await expect(collect(batches(0))).rejects.toThrow(
      /No image of class 3 can be read.*gone\.png does not exist/,
    );
    const named = { items: gone, classes: 4, names: ["a", "b", "c", "cat"], last: "pad" } as const;
    await expect(collect(trainingBatches(plan(one, named))(0))).rejects.toThrow(
      /No image of the class "cat" can be read/,
    );
  });

  it("stop on abort with the signal's reason, and a consumer may stop early", async () => {
    const controller = new AbortController();
    const reason = new Error("enough");
    const batches = trainingBatches(plan(one, { signal: controller.signal }))(0);
    await expect(
      (async () => {
        for await (const _ of batches) controller.abort(reason);
      })(),
    ).rejects.toBe(reason);
    for await (const _ of trainingBatches(plan(one))(0)) break;
    expect(await collect(trainingBatches(plan(one))(0))).toHaveLength(5);
  });

  it("refuse a plan that cannot be", () => {
    expect(() => trainingBatches(plan(one, { items: [] }))).toThrow(/no images/);
    expect(() => trainingBatches(plan(one, { batch: 0 }))).toThrow(/at least 1, not 0/);
    expect(() => trainingBatches(plan(one, { classes: 2 }))).toThrow(/class number 2, and there are 2/);
    expect(() => trainingBatches(plan(one, { preprocessing: { ...preprocessing, crop: null } }))).toThrow(
      /a size of its own; training needs one size/,
    );
    expect(() => imagePool({ workers: 0 })).toThrow(/at least 1, not 0/);
  });
});

describe("batches for evaluation", () => {
  it("hold every image in order, prepared as the model's own preprocessing says", async () => {
    const batches = await collect(evaluationBatches(plan(one))());
    expect(batches.flatMap(({ indices }) => [...indices])).toEqual(items.map((_, i) => i));
    for (const { indices, pixels } of batches) {
      for (const [i, index] of indices.entries()) {
        const image = await decodeImage(items[index]?.path ?? "");
        expect(pixels.subarray(i * 768, (i + 1) * 768)).toEqual(preprocess(image, preprocessing).data);
      }
    }
  });

  it("leave out what cannot be read", async () => {
    const told: number[] = [];
    const some = [...items.slice(0, 2), { path: join(folder, "gone.png"), label: 0 }, ...items.slice(2, 4)];
    const batches = await collect(
      evaluationBatches({ ...plan(one), items: some, onSetAside: (i) => told.push(i) })(),
    );
    expect(told).toEqual([2]);
    expect(batches.map(({ indices }) => indices)).toEqual([[0, 1, 3], [4]]);
    expect(batches[0]?.sampleWeights).toEqual(Float32Array.of(1 / 3, 1 / 3, 1 / 3, 0));
  });
});

describe("a pool", () => {
  const task = () => ({ path: fixture("cell.png"), preparation: { preprocessing } });

  it("whose worker dies says so, then and afterwards", async () => {
    const worker = new Worker(
      `require("node:worker_threads").parentPort.on("message", () => process.exit(3))`,
      {
        eval: true,
      },
    );
    const pool = poolOf([worker], 0);
    await expect(pool.prepare(task())).rejects.toThrow(/ended unexpectedly \(exit code 3\); run again/);
    await expect(pool.prepare(task())).rejects.toThrow(VitreousError);
    await pool.close();
  });

  it("whose worker throws says with what", async () => {
    const worker = new Worker(
      `require("node:worker_threads").parentPort.on("message", () => { throw new Error("out of luck"); })`,
      { eval: true },
    );
    const pool = poolOf([worker], 0);
    await expect(pool.prepare(task())).rejects.toThrow(/ended unexpectedly \(out of luck\)/);
    await pool.close();
  });

  it("that is closed rejects what is asked for", async () => {
    const pool = imagePool();
    const asked = pool.prepare(task());
    const closed = pool.close();
    await expect(asked).rejects.toThrow(/were closed/);
    await closed;
    await expect(pool.prepare(task())).rejects.toThrow(/were closed/);
  });

  it("holds the process until all its workers have ended", async () => {
    const idle = () =>
      new Worker(`require("node:worker_threads").parentPort.on("message", () => {})`, { eval: true });
    const workers = [idle(), idle(), idle()];
    const pool = poolOf(workers, 0);
    const last = workers.map((worker) => {
      const calls: string[] = [];
      const [ref, unref] = [worker.ref.bind(worker), worker.unref.bind(worker)];
      worker.ref = () => {
        calls.push("ref");
        ref();
      };
      worker.unref = () => {
        calls.push("unref");
        unref();
      };
      return calls;
    });
    await pool.close();
    for (const calls of last) expect(calls.at(-1)).toBe("ref");
  });

  it("keeps decoded images up to its budget and reads no file again", async () => {
    const path = join(folder, "kept.png");
    const other = join(folder, "too-many.png");
    const image = { data: new Uint8Array(30 * 30 * 3).fill(90), width: 30, height: 30 };
    writeFileSync(path, await rgbPng(image));
    writeFileSync(other, await rgbPng(image));
    const pool = imagePool({ cacheBytes: 4000 });
    const ask = (from: string) => pool.prepare({ path: from, preparation: { preprocessing } });
    const first = await ask(path);
    await ask(other);
    rmSync(path);
    rmSync(other);
    expect(await ask(path)).toEqual(first);
    expect(await ask(other)).toEqual({ failure: expect.stringMatching(/too-many\.png does not exist/) });
    await pool.close();
  });

  it("takes arrays back", async () => {
    const pool = imagePool();
    const first = await pool.prepare(task());
    if (!("pixels" in first)) throw new Error(first.failure);
    const copy = first.pixels.slice();
    pool.recycle(first.pixels.fill(1));
    const second = await pool.prepare(task());
    expect(second).toEqual({ pixels: copy });
    expect(first.pixels.byteLength).toBe(0);
    await pool.close();
  });
});
