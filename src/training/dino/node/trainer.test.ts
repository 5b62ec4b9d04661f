import { afterEach, describe, expect, it } from "vitest";
import { configured, freshWeights } from "../../../models/hugging-face/translate/index.js";
import type { Trainable } from "../../../models/trainable.js";
import { type DinoModel, dinoModel } from "../model.js";
import type { DinoBatch, DinoTrainer, DinoTrainerOptions } from "../types.js";
import { nodeDinoTrainer } from "./trainer.js";

const VIT = {
  hidden_size: 16,
  num_hidden_layers: 2,
  num_attention_heads: 2,
  intermediate_size: 32,
  image_size: 16,
  patch_size: 4,
};
const SWIN = {
  image_size: 32,
  patch_size: 2,
  embed_dim: 8,
  depths: [2, 2],
  num_heads: [2, 4],
  window_size: 4,
};

function fresh(type: "vit" | "swin"): Trainable {
  const description = configured(type, type === "vit" ? VIT : SWIN, ["a", "b"]);
  return { description, tensors: freshWeights(description, 3), notes: [] };
}

const HEAD = { out: 24, hidden: 20, bottleneck: 12 };
const modelOf = (type: "vit" | "swin"): Promise<DinoModel> =>
  dinoModel(fresh(type), { head: HEAD, localSize: type === "vit" ? [8, 8] : [16, 16] });

const open: DinoTrainer[] = [];
afterEach(async () => {
  for (const trainer of open.splice(0)) await trainer.close();
});

async function trainerOf(
  type: "vit" | "swin",
  options: Partial<DinoTrainerOptions> = {},
): Promise<DinoTrainer> {
  const trainer = await nodeDinoTrainer(await modelOf(type), {
    batch: 4,
    epochs: 4,
    stepsPerEpoch: 5,
    warmupEpochs: 1,
    learningRate: 0.2,
    threads: 2,
    ...options,
  });
  open.push(trainer);
  return trainer;
}

/** Crops of the wanted sizes, the same in every run. */
function batchOf({ globalSize, localSize }: DinoTrainer, step: number, locals = 2, size = 4): DinoBatch {
  const crops = (place: number, [h = 0, w = 0]: readonly number[]): Float32Array =>
    Float32Array.from(
      { length: 4 * 3 * h * w },
      (_, i) => Math.sin((i + 1) * (0.31 + 0.07 * place) + step) + Math.cos(i * 0.0137 * (step + 1)),
    );
  return {
    globals: [crops(0, globalSize), crops(1, globalSize)],
    locals: Array.from({ length: locals }, (_, i) => crops(2 + i, localSize ?? [])),
    size,
    indices: [0, 1, 2, 3].slice(0, size),
  };
}

describe("a step of DINO", () => {
  it.each(["vit", "swin"] as const)("teaches a %s", async (type) => {
    const trainer = await trainerOf(type);
    const results = [];
    for (let i = 0; i < 10; i++) results.push(await trainer.step(batchOf(trainer, i % 2)));
    expect((await trainer.tensors()).size).toBeGreaterThan(10);
  });
});
