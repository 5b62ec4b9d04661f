import { afterEach, describe, expect, it } from "vitest";
import { buildModel } from "../../../models/index.js";
import { stored } from "../../../models/stored-tensor.js";
import { runOnWaves } from "../../../models/testing/run.js";
import { float32Tensor } from "../../../onnx/tensor.js";
import { crops, smallBackbone } from "../../testing/crops.js";
import { dinoModel } from "../model.js";
import type { DinoModelOptions, DinoTrainer, DinoTrainerOptions } from "../types.js";
import { nodeDinoTrainer } from "./trainer.js";

const VIT = "transformers-vitforimageclassification-plain";
const SWIN = "transformers-swinforimageclassification-plain";
const HEAD = { out: 24, hidden: 20, bottleneck: 12 };

const open: DinoTrainer[] = [];
afterEach(async () => {
  for (const trainer of open.splice(0)) await trainer.close();
});

async function trainerOf(
  name: string,
  options: Partial<DinoTrainerOptions> = {},
  given: DinoModelOptions = {},
): Promise<DinoTrainer> {
  const localSize = name === VIT ? ([8, 12] as const) : ([24, 24] as const);
  const model = await dinoModel(smallBackbone(name), { head: HEAD, localSize, ...given });
  const recipe = { batch: 4, epochs: 4, stepsPerEpoch: 2, warmupEpochs: 1, learningRate: 0.1, threads: 1 };
  const trainer = await nodeDinoTrainer(model, { ...recipe, ...options });
  open.push(trainer);
  return trainer;
}

const losses = async (trainer: DinoTrainer, from: number, to: number): Promise<number[]> => {
  const all: number[] = [];
  for (let i = from; i < to; i++) all.push((await trainer.step(crops(trainer, i))).loss);
  return all;
};

describe("pretraining with DINO", () => {
  it.each([VIT, SWIN])("goes on from a snapshot of %s bit for bit", async (name) => {
    const one = await trainerOf(name);
    await losses(one, 0, 3);
    const state = await one.snapshot();
    const expected = await losses(one, 3, 6);
    const other = await trainerOf(name);
    await other.restore(state);
    expect(await losses(other, 3, 6)).toEqual(expected);
    expect(await other.snapshot()).toEqual(await one.snapshot());
  });

  it.each([VIT, SWIN])("gives backbones of %s that give its features", async (name) => {
    const trainer = await trainerOf(name);
    await losses(trainer, 0, 4);
    const { description, tensors } = smallBackbone(name);
    const side = trainer.globalSize[0];
    const pixels = Float32Array.from(
      { length: 2 * 3 * side * side },
      (_, i) => Math.sin(i * 0.7) + Math.cos(i * 0.013),
    );
    const both: Float32Array[] = [];
    for (const network of ["teacher", "student"] as const) {
      const trained = await trainer.tensors(network);
      expect([...trained.keys()].filter((tensor) => tensor.startsWith("dino_head"))).toEqual([]);
      const changed = [...trained].map(
        ([tensor, { dims, values }]) => [tensor, stored(float32Tensor(dims, values))] as const,
      );
      const built = await buildModel(description, new Map([...tensors, ...changed]), { features: "pooled" });
      const features = await trainer.features(pixels, 2, network);
      expect(features.length).toBe(2 * trainer.width);
      const expected = await runOnWaves(built.model, 2);
      expected.forEach((value, i) => {
        expect(features[i]).toBeCloseTo(value, 4);
      });
      both.push(features);
    }
    expect(both[0]).not.toEqual(both[1]);
  });

  it("leaves the head's last layer as it is in the first epoch", async () => {
    const trainer = await trainerOf(VIT);
    const last = async () =>
      (await trainer.snapshot()).arrays.get("parameters/dino_head.last_layer.weight_v")?.slice();
    const before = await last();
    await losses(trainer, 0, 2);
    expect(await last()).toEqual(before);
    await losses(trainer, 2, 3);
    expect(await last()).not.toEqual(before);
  });

  it("goes without small crops, and with as many as there are", async () => {
    const trainer = await trainerOf(VIT, {}, { localSize: undefined });
    expect((await trainer.step(crops(trainer, 0, 0))).applied).toBe(true);
    await expect(trainer.step({ ...crops(trainer, 0, 0), locals: [new Float32Array(3)] })).rejects.toThrow(
      /not made for small crops/,
    );
    const other = await trainerOf(VIT);
    expect((await other.step(crops(other, 0, 3))).applied).toBe(true);
  });

  it("changes nothing by padding, whatever it holds", async () => {
    const [one, other] = [await trainerOf(VIT), await trainerOf(VIT)];
    const batch = crops(one, 0, 2, 3);
    const { loss } = await one.step(batch);
    for (const pixels of [...batch.globals, ...batch.locals]) pixels.fill(7, (pixels.length / 4) * 3);
    const padded = await other.step(batch);
    expect(padded.loss).toBe(loss);
    const centres = [await one.snapshot(), await other.snapshot()].map(({ arrays }) =>
      arrays.get("centre/head"),
    );
    expect(centres[0]).toEqual(centres[1]);
  });

  it("reaches the end of its schedules", async () => {
    const trainer = await trainerOf(VIT);
    const results = [];
    for (let i = 0; i < 8; i++) results.push(await trainer.step(crops(trainer, i % 2)));
    expect(results[0]).toMatchObject({ learningRate: 0, momentum: 0.996 });
    expect(results[1]?.learningRate).toBeCloseTo((0.1 * 4) / 256, 12);
    expect(results[7]?.momentum).toBeGreaterThan(0.9998);
    expect(results[7]?.weightDecay).toBeGreaterThan(0.38);
    expect(results.every(({ applied }) => applied)).toBe(true);
  });
});

describe("what DINO refuses", () => {
  it("is a state of another training", async () => {
    const trainer = await trainerOf(VIT);
    const state = await trainer.snapshot();
    const arrays = new Map([...state.arrays].filter(([name]) => name !== "centre/head"));
    await expect(trainer.restore({ ...state, arrays })).rejects.toThrow(/another training: "centre\/head"/);
  });

  it("are crops of another size, and no images", async () => {
    const trainer = await trainerOf(VIT);
    const batch = crops(trainer, 0);
    const [first] = batch.globals;
    await expect(trainer.step({ ...batch, globals: [first.subarray(3), first] })).rejects.toThrow(
      /are not 4 pictures of \[3, 16, 16\]/,
    );
    await expect(trainer.step({ ...batch, locals: [first] })).rejects.toThrow(/pixel_values are/);
    await expect(trainer.step({ ...batch, size: 0 })).rejects.toThrow(/1 to 4 images, not 0/);
  });

  it.each<[string, Partial<DinoTrainerOptions>, RegExp]>([
    ["a batch", { batch: 0 }, /batch must be a whole number/],
    ["a warm-up", { warmupEpochs: 5 }, /warm-up in epochs must be between 0 and 4/],
    ["a temperature", { teacherTemperature: 0 }, /teacher's temperature/],
    ["a momentum", { momentum: 1.5 }, /average must be at least 0 and below 1, not 1.5/],
    ["a weight decay", { finalWeightDecay: -1 }, /weight decay must be at least 0, not -1/],
    ["a norm", { clip: 0 }, /norm of the gradient/],
  ])("is %s that makes no training", async (_, options, message) => {
    await expect(trainerOf(VIT, options)).rejects.toThrow(message);
  });

  it.each<[string, DinoModelOptions, RegExp]>([
    ["a head without outputs", { head: { out: 0 } }, /head's out must be a whole number above 0/],
    ["a temperature of 0", { studentTemperature: 0 }, /student's temperature/],
    ["crops smaller than a patch", { localSize: [2, 2] }, /Images of 2×2 cannot be trained on.*patch/],
  ])("is %s", async (_, options, message) => {
    await expect(dinoModel(smallBackbone(VIT), options)).rejects.toThrow(message);
  });

  it("are crops smaller than a Swin's windows", async () => {
    await expect(dinoModel(smallBackbone(SWIN), { localSize: [8, 8] })).rejects.toThrow(
      /Images of 8×8 cannot be trained on: transformers' Swin cannot run a grid of/,
    );
  });
});
