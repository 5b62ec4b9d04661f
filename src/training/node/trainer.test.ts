import { afterEach, describe, expect, it } from "vitest";
import { VitreousError } from "../../onnx/errors.js";
import { parameterSet } from "../parameters.js";
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

type Options = Partial<TrainerOptions> & { readonly frozen?: (name: string) => boolean };

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
    const dropPath = 0.2;
    const one = await trainerOf(name, { dropPath, seed: 3 });
    await steps(one, 0, 3);
    const state = await one.snapshot();
    const losses = await steps(one, 3, 6);
    const other = await trainerOf(name, { dropPath, seed: 3 });
    await other.restore(state);
    expect(await steps(other, 3, 6)).toEqual(losses);
    expect(await other.snapshot()).toEqual(await one.snapshot());
    const { pixels } = smallBatch(4);
    expect(await other.predict(pixels, 4)).toEqual(await one.predict(pixels, 4));
  });
});

describe("refusals", () => {
  it("name a wrong schedule before a worker is started", async () => {
    await expect(trainerOf(VIT, { schedule: { kind: "cosine", peak: -1, steps: 3 } })).rejects.toThrow(
      VitreousError,
    );
  });
});
