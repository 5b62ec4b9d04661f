import { afterEach, describe, expect, it } from "vitest";
import type { Size } from "../../models/architecture.js";
import { buildModel } from "../../models/index.js";
import { runOnWaves } from "../../models/testing/run.js";
import { type MixedSizes, mixedSizes } from "../sizes.js";
import { smallCheckpoint } from "../testing/small.js";
import type { Trainer } from "../trainer.js";
import type { TrainingBatch } from "../types.js";
import { nodeTrainer } from "./trainer.js";

const VIT = "timm-vit-tiny-patch16-224-class-token";
/** Its positions are a constant as they are in its own size, and computed in others. */
const PATCHES_ONLY = "timm-vit-tiny-patch16-224-registers-positions-of-patches-only";
const SWIN = "transformers-swinforimageclassification-plain";

const open: Trainer[] = [];
afterEach(async () => {
  for (const trainer of open.splice(0)) await trainer.close();
});

function modelOf(
  name: string,
  sizes: readonly Size[],
  frozen?: (name: string) => boolean,
): Promise<MixedSizes> {
  const { description, tensors } = smallCheckpoint(name);
  const build = (image: Size | undefined) => buildModel(description, tensors, { image });
  return mixedSizes(build, sizes, tensors, frozen === undefined ? {} : { frozen });
}

async function trainerOf(model: MixedSizes): Promise<Trainer> {
  const trainer = await nodeTrainer({
    ...model,
    batch: 2,
    objective: { kind: "cross-entropy" },
    schedule: { kind: "constant", peak: 1e-2, steps: 20 },
    threads: 1,
  });
  open.push(trainer);
  return trainer;
}

function batchOf(image: Size | undefined, of = 2): TrainingBatch {
  const [height, width] = image ?? [16, 16];
  return {
    pixels: Float32Array.from({ length: 2 * 3 * height * width }, (_, i) => Math.sin((i + 1) * 0.618)),
    ...(image === undefined ? {} : { image }),
    targets: Float32Array.from({ length: 12 }, (_, i) => (i === 1 || i === 9 ? 1 : 0)),
    sampleWeights: new Float32Array(2).fill(1 / of),
    indices: [0, 1],
    size: 2,
  };
}

describe("images of several sizes", () => {
  it.each<[string, Size]>([
    [VIT, [12, 20]],
    [PATCHES_ONLY, [12, 20]],
    [SWIN, [24, 20]],
  ])("in one step of %s give the sum of the gradients of each", async (name, image) => {
    const model = await modelOf(name, [image]);
    const moments = async (batches: readonly TrainingBatch[]) => {
      const trainer = await trainerOf(model);
      const { loss } = await trainer.step(batches);
      return { loss, arrays: (await trainer.snapshot()).arrays };
    };
    const own = await moments([batchOf(undefined, 4)]);
    const other = await moments([batchOf(image, 4)]);
    const both = await moments([batchOf(undefined, 4), batchOf(image, 4)]);
    expect(both.loss).toBeCloseTo(own.loss + other.loss, 5);
    let compared = 0;
    for (const [array, values] of both.arrays) {
      if (!array.startsWith("firstMoments/")) continue;
      values.forEach((value, i) => {
        expect(value).toBeCloseTo((own.arrays.get(array)?.[i] ?? 0) + (other.arrays.get(array)?.[i] ?? 0), 6);
      });
      compared += 1;
    }
    expect(compared).toBe(model.parameters.parameters.length);
  });

  it.each<[string, Size]>([
    [VIT, [12, 20]],
    [PATCHES_ONLY, [20, 20]],
    [SWIN, [24, 24]],
  ])("of %s are learnt together, and predicted in each", async (name, image) => {
    const trainer = await trainerOf(await modelOf(name, [image]));
    const { description, tensors } = smallCheckpoint(name);
    for (const size of [undefined, image]) {
      const { model } = await buildModel(description, tensors, { image: size });
      const [height, width] = size ?? [16, 16];
      const pixels = Float32Array.from(
        { length: 2 * 3 * height * width },
        (_, i) => Math.sin(i * 0.7) + Math.cos(i * 0.013),
      );
      const logits = await trainer.predict(pixels, 2, "current", size === undefined ? {} : { image: size });
      (await runOnWaves(model, 2)).forEach((value, i) => {
        expect(logits[i]).toBeCloseTo(value, 4);
      });
    }
    const losses = { own: [] as number[], other: [] as number[] };
    for (let i = 0; i < 8; i++) {
      losses.own.push((await trainer.step([batchOf(undefined)])).loss);
      losses.other.push((await trainer.step([batchOf(image)])).loss);
    }
    for (const all of [losses.own, losses.other]) expect(all.at(-1)).toBeLessThan(0.8 * (all[0] ?? 0));
  });

  it("may be the model's own, which is built once, and leave what is frozen", async () => {
    const frozen = (name: string) => name === "pos_embed";
    const model = await modelOf(
      VIT,
      [
        [16, 16],
        [8, 8],
        [8, 8],
      ],
      frozen,
    );
    expect(model.sizes.length).toBe(1);
    const trainer = await trainerOf(model);
    expect((await trainer.step([batchOf([16, 16]), batchOf([8, 8])])).applied).toBe(true);
    expect((await trainer.tensors()).has("pos_embed")).toBe(false);
  });

  it("are refused where the trainer or the model does not take them", async () => {
    const trainer = await trainerOf(await modelOf(VIT, [[12, 12]]));
    await expect(trainer.step([batchOf([20, 20])])).rejects.toThrow(
      /not opened for images of 20×20; it takes 16×16, 12×12/,
    );
    await expect(trainer.step([{ ...batchOf([12, 12]), pixels: new Float32Array(5) }])).rejects.toThrow(
      /pixel_values are 5 numbers, not the 864/,
    );
    await expect(modelOf(SWIN, [[8, 8]])).rejects.toThrow(/Images of 8×8 cannot be trained on/);
  });
});
