import * as ort from "onnxruntime-node";
import { afterEach, describe, expect, it } from "vitest";
import type { StoredTensors } from "../../models/index.js";
import { stored } from "../../models/stored-tensor.js";
import { VitreousError } from "../../onnx/errors.js";
import { float32Tensor } from "../../onnx/tensor.js";
import { joinPieces, writeModel } from "../../onnx/write.js";
import { type CheckpointTensor, parameterSet } from "../parameters.js";
import { smallBatch, smallModel } from "../testing/small.js";
import type { Trainer, TrainerOptions } from "../trainer.js";
import { nodeTrainer } from "./trainer.js";

const VIT = "timm-vit-tiny-patch16-224-class-token";
const DEIT = "timm-deit-tiny-distilled-patch16-224-two-heads";
const SWIN = "transformers-swinforimageclassification-plain";

const open: Trainer[] = [];
afterEach(async () => {
  for (const trainer of open.splice(0)) await trainer.close();
});

type Options = Partial<TrainerOptions> & {
  readonly threads?: number;
  readonly device?: "dml" | "coreml";
  readonly frozen?: (name: string) => boolean;
};

async function trainerOf(name: string, { frozen, ...options }: Options = {}): Promise<Trainer> {
  const { built, tensors } = await smallModel(name);
  const parameters = await parameterSet(built, tensors, frozen === undefined ? {} : { frozen });
  const trainer = await nodeTrainer({
    model: built.model,
    parameters,
    batch: 4,
    objective: { kind: "cross-entropy" },
    schedule: { kind: "cosine", peak: 1e-2, least: 1e-4, warmup: 2, steps: 10 },
    layerDecay: 0.8,
    clip: 1,
    averaging: { decay: 0.9 },
    threads: 2,
    ...options,
  });
  open.push(trainer);
  return trainer;
}

const steps = async (trainer: Trainer, from: number, to: number): Promise<number[]> => {
  const losses: number[] = [];
  for (let i = from; i < to; i++) losses.push((await trainer.step([smallBatch(4, 4 * (i % 3))])).loss);
  return losses;
};

describe("a trainer", () => {
  it.each([VIT, DEIT, SWIN])("makes the loss of %s smaller", async (name) => {
    const trainer = await trainerOf(name, { schedule: { kind: "constant", peak: 1e-2, steps: 40 } });
    const losses: number[] = [];
    for (let i = 0; i < 30; i++) losses.push((await trainer.step([smallBatch(4)])).loss);
    expect(losses.at(-1)).toBeLessThan(0.6 * (losses[0] ?? 0));
  });

  it.each([VIT, DEIT, SWIN])("goes on from a snapshot of %s bit for bit", async (name) => {
    const drawn = { dropPath: 0.2, dropout: 0.1, seed: 3 };
    const one = await trainerOf(name, drawn);
    await steps(one, 0, 3);
    const state = await one.snapshot();
    const losses = await steps(one, 3, 6);
    const other = await trainerOf(name, drawn);
    await other.restore(state);
    expect(await steps(other, 3, 6)).toEqual(losses);
    expect(await other.snapshot()).toEqual(await one.snapshot());
    const { pixels } = smallBatch(4);
    expect(await other.predict(pixels, 4)).toEqual(await one.predict(pixels, 4));
  });
});

describe("accumulation", () => {
  it.each([VIT, SWIN])("over batches of %s equals one large batch", async (name) => {
    const large = await trainerOf(name, { batch: 8 });
    const small = await trainerOf(name, { batch: 4 });
    const all = await large.step([smallBatch(8)]);
    const parts = await small.step([smallBatch(4, 0, 8), smallBatch(4, 4, 8)]);
    expect(Math.abs(parts.loss - all.loss) / all.loss).toBeLessThan(1e-6);
    expect(Math.abs(parts.gradientNorm - all.gradientNorm) / all.gradientNorm).toBeLessThan(1e-5);
    expect(relative(parts.logits, all.logits)).toBeLessThan(1e-5);
    const { arrays } = await large.snapshot();
    for (const [array, values] of (await small.snapshot()).arrays) {
      // Gradients, not weights: AdamW's first step takes their signs, however small they are.
      if (array.startsWith("firstMoments/"))
        expect(relative(values, arrays.get(array), 1e-4), array).toBeLessThan(1e-5);
    }
    expect((await small.step([smallBatch(4)])).logits.length).toBe(4 * 6);
  });

  it("happens by itself in a batch of more images than a run takes", async () => {
    const large = await trainerOf(VIT, { batch: 9 });
    const small = await trainerOf(VIT, { batch: 3 });
    const all = await large.step([smallBatch(9)]);
    const parts = await small.step([0, 3, 6].map((from) => smallBatch(3, from, 9)));
    expect(Math.abs(parts.loss - all.loss) / all.loss).toBeLessThan(1e-6);
    expect(Math.abs(parts.gradientNorm - all.gradientNorm) / all.gradientNorm).toBeLessThan(1e-5);
    expect(all.logits.length).toBe(9 * 6);
    expect(relative(parts.logits, all.logits)).toBeLessThan(1e-5);
  });

  it("takes no step without a batch", async () => {
    await expect((await trainerOf(VIT)).step([])).rejects.toThrow(/needs a batch/);
  });
});

describe("padding", () => {
  it("without weight changes nothing, whatever it holds", async () => {
    const padded = smallBatch(4, 0, 2);
    padded.sampleWeights.fill(0, 2);
    const one = await trainerOf(VIT);
    const first = await one.step([padded]);
    padded.pixels.fill(7, 2 * 768);
    const other = await trainerOf(VIT);
    expect((await other.step([padded])).loss).toBe(first.loss);
    expect(
      relative(
        (await other.snapshot()).arrays.get("parameters/head.weight"),
        (await one.snapshot()).arrays.get("parameters/head.weight"),
      ),
    ).toBeLessThan(1e-5);
  });
});

describe("predictions", () => {
  it.each([VIT, DEIT, SWIN])(
    "of %s are those of its weights, now or on average, for any number of pictures",
    async (name) => {
      const trainer = await trainerOf(name);
      const { pixels } = smallBatch(6);
      const untrained = await trainer.predict(pixels, 6, "current");
      expect(await trainer.predict(pixels, 6, "averaged")).toEqual(untrained);
      const { logits } = await trainer.step([smallBatch(4)]);
      expect(relative(untrained.subarray(0, 24), logits)).toBeLessThan(1e-5);
      await steps(trainer, 1, 3);
      const current = await trainer.predict(pixels, 6, "current");
      const averaged = await trainer.predict(pixels, 6);
      expect(relative(current, untrained)).toBeGreaterThan(1e-3);
      expect(relative(averaged, untrained)).toBeGreaterThan(1e-3);
      expect(relative(current, averaged)).toBeGreaterThan(1e-3);

      const { tensors: old } = await smallModel(name);
      for (const [which, expected] of [
        ["current", current],
        ["averaged", averaged],
      ] as const) {
        const trained = await trainer.tensors(which);
        const rebuilt = await rebuiltModel(name, old, trained);
        expect(relative(await rebuilt(pixels, 6), expected)).toBeLessThan(1e-5);
      }
    },
  );

  it("have no dropout", async () => {
    const { pixels } = smallBatch(4);
    const without = await trainerOf(VIT);
    const trainer = await trainerOf(VIT, { dropout: 0.5 });
    const predicted = await trainer.predict(pixels, 4);
    expect(predicted).toEqual(await without.predict(pixels, 4));
    const { logits } = await trainer.step([smallBatch(4)]);
    expect(relative(logits, predicted)).toBeGreaterThan(1e-2);
  });

  it("on average need an average", async () => {
    const { built, tensors } = await smallModel(VIT);
    const trainer = await nodeTrainer({
      model: built.model,
      parameters: await parameterSet(built, tensors),
      batch: 2,
      objective: { kind: "cross-entropy" },
      schedule: { kind: "constant", peak: 1e-3, steps: 3 },
    });
    open.push(trainer);
    await expect(trainer.predict(smallBatch(2).pixels, 2, "averaged")).rejects.toThrow(/No average/);
    await expect(trainer.predict(smallBatch(2).pixels, 3)).rejects.toThrow(/not 3 pictures/);
    expect((await trainer.predict(smallBatch(2).pixels, 2)).length).toBe(12);
  });
});

describe("steps without a finite loss", () => {
  const broken = () => {
    const batch = smallBatch(4);
    batch.pixels.fill(Number.NaN, 0, 10);
    return batch;
  };

  it("change no weight, and training goes on", async () => {
    const trainer = await trainerOf(SWIN);
    await trainer.step([smallBatch(4)]);
    const before = await trainer.snapshot();
    expect(await trainer.step([broken()])).toMatchObject({ applied: false });
    const after = await trainer.snapshot();
    expect(after.arrays).toEqual(before.arrays);
    expect(after).toMatchObject({ step: 2, updates: 1, refused: 1 });
    const next = await trainer.step([smallBatch(4)]);
    expect(next).toMatchObject({ applied: true });
    expect(Number.isFinite(next.loss)).toBe(true);
    expect(await trainer.snapshot()).toMatchObject({ step: 3, updates: 2, refused: 0 });
  });

  it("end the training when they are several in a row", async () => {
    const trainer = await trainerOf(VIT);
    for (let i = 0; i < 4; i++) expect((await trainer.step([broken()])).applied).toBe(false);
    await expect(trainer.step([broken()])).rejects.toThrow(/diverged.*5 steps in a row.*learning rate/s);
  });
});

describe("steps that are asked for at once", () => {
  it("are taken in order", async () => {
    const trainer = await trainerOf(SWIN);
    const one = await trainerOf(SWIN);
    const together = await Promise.all([0, 1, 2].map((i) => trainer.step([smallBatch(4, 4 * i)])));
    expect(together.map(({ loss }) => loss)).toEqual(await steps(one, 0, 3));
  });
});

describe("frozen tensors", () => {
  it("stay what they are: a linear probe trains the head alone", async () => {
    const trainer = await trainerOf(VIT, { frozen: (name) => !name.startsWith("head.") });
    await steps(trainer, 0, 3);
    expect([...(await trainer.tensors()).keys()].sort()).toEqual(["head.bias", "head.weight"]);
  });

  it("may be a part of what is joined in one constant", async () => {
    const frozen = (name: string) => /query|cls_token/.test(name);
    const trainer = await trainerOf("transformers-vitforimageclassification-plain", { frozen });
    const losses = await steps(trainer, 0, 3);
    expect(losses.every(Number.isFinite)).toBe(true);
    const names = [...(await trainer.tensors()).keys()];
    expect(names.filter(frozen)).toEqual([]);
    expect(names.some((name) => name.endsWith("key.weight"))).toBe(true);
  });
});

describe("refusals", () => {
  it.each<[string, Options, RegExp]>([
    ["a schedule", { schedule: { kind: "cosine", peak: -1, steps: 3 } }, /learning rate.*-1/],
    ["AdamW's betas", { adamw: { beta2: 1 } }, /betas.*not 1/],
    ["a weight decay", { adamw: { weightDecay: -1 } }, /weight decay.*-1/],
    ["a rate of dropout", { dropout: 1 }, /dropout rate.*below 1, not 1/],
    ["a norm to clip at", { clip: 0 }, /norm.*above 0/],
    ["a decay by layers", { layerDecay: 1.5 }, /at most 1/],
    ["a decay of the average", { averaging: { decay: 1 } }, /average.*below 1/],
    ["a number of threads", { threads: 0.5 }, /threads/],
    ["nothing to train", { frozen: () => true }, /nothing to train/],
  ])("of %s that makes no training say what is wrong", async (_, options, message) => {
    await expect(trainerOf(VIT, options)).rejects.toThrow(VitreousError);
    await expect(trainerOf(VIT, options)).rejects.toThrow(message);
  });

  it("of a device that the build lacks name those that it has", async () => {
    const absent = process.platform === "win32" ? "coreml" : "dml";
    await expect(trainerOf(VIT, { device: absent })).rejects.toThrow(
      new RegExp(`without the device '${absent}'; it has cpu`),
    );
  });

  it("of a batch of another size, or of pictures of another size, say what is expected", async () => {
    const trainer = await trainerOf(VIT);
    await expect(trainer.step([smallBatch(3)])).rejects.toThrow(/holds 3 images, not the 4/);
    const { pixels, ...rest } = smallBatch(4);
    await expect(trainer.step([{ ...rest, pixels: pixels.subarray(0, 2304) }])).rejects.toThrow(
      /pixel_values are 2304 numbers, not the 3072/,
    );
    expect((await trainer.step([smallBatch(4)])).applied).toBe(true);
  });

  it("of distillation without a teacher say what is missing", async () => {
    const objective = { kind: "distillation", mode: "hard", alpha: 0.5, temperature: 1 } as const;
    const trainer = await trainerOf(DEIT, { objective });
    await expect(trainer.step([smallBatch(4)])).rejects.toThrow(/teacher/);
    const teacherLogits = smallBatch(4).targets;
    expect((await trainer.step([{ ...smallBatch(4), teacherLogits }])).applied).toBe(true);
  });

  it("of another training's state name what does not fit", async () => {
    const trainer = await trainerOf(VIT);
    const state = await (await trainerOf(VIT, { frozen: (name) => name.startsWith("head") })).snapshot();
    await expect(trainer.restore(state)).rejects.toThrow(/another training: "parameters\/head/);
    const own = await trainer.snapshot();
    const more = new Map([...own.arrays, ["parameters/other", new Float32Array(1)]]);
    await expect(trainer.restore({ ...own, arrays: more })).rejects.toThrow(
      /"parameters\/other" does not fit/,
    );
  });

  it("come after the end, which waits for what was asked for", async () => {
    const trainer = await trainerOf(VIT);
    const running = trainer.step([smallBatch(4)]);
    const closed = trainer.close();
    await expect(running).resolves.toHaveProperty("applied", true);
    await closed;
    expect(trainer.close()).toBe(closed);
    await expect(trainer.step([smallBatch(4)])).rejects.toThrow(/closed/);
  });
});

/** The largest difference over the largest value, or over `least` where all are smaller. */
function relative(actual: Float32Array | undefined, expected: Float32Array | undefined, least = 0): number {
  if (actual === undefined || actual.length !== expected?.length) return Number.NaN;
  const largest = expected.reduce((m, value) => Math.max(m, Math.abs(value)), least);
  return (
    expected.reduce((m, value, i) => Math.max(m, Math.abs(value - (actual[i] ?? Number.NaN))), 0) / largest
  );
}

/** Runs a model built anew from the checkpoint with the trained tensors in it. */
async function rebuiltModel(
  name: string,
  old: StoredTensors,
  trained: ReadonlyMap<string, CheckpointTensor>,
) {
  const changed = [...trained].map(
    ([tensor, { dims, values }]) => [tensor, stored(float32Tensor(dims, values))] as const,
  );
  const { built } = await smallModel(name, new Map([...old, ...changed]));
  const session = await ort.InferenceSession.create(joinPieces(writeModel(built.model)));
  return async (pixels: Float32Array, count: number): Promise<Float32Array> => {
    const results = await session.run({
      pixel_values: new ort.Tensor("float32", pixels, [count, 3, 16, 16]),
    });
    await session.release();
    return results.logits?.data as Float32Array;
  };
}
