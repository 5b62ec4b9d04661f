import { describe, expect, it } from "vitest";
import { checkpointCases } from "../../test/checkpoint-cases.js";
import { defaultPreprocessing } from "../imaging/preprocessing.js";
import { parseSpec } from "../spec.js";
import { describeCheckpoint } from "./node/open.js";
import { expressibleFor, type Trainable, trainable } from "./trainable.js";

const labels = ["a", "b", "c"];

async function target(name: string, distilled = false): Promise<Trainable> {
  const found = checkpointCases().find((c) => c.name === name);
  if (found === undefined) throw new Error(`no checkpoint ${name}`);
  const arch = found.arch === undefined ? undefined : parseSpec(found.arch);
  const { description, tensors, close } = await describeCheckpoint(found.path, arch);
  try {
    return trainable(description, tensors, { seed: 1, labels, distilled });
  } finally {
    await close();
  }
}

const TOKEN = "timm-vit-tiny-patch16-224-class-token";
const NORMED = "timm-vit-tiny-patch16-224-qk-norm-and-layerscale";

describe("what training starts from", () => {
  it("is a model of transformers where there is one", async () => {
    expect((await target(TOKEN)).description.library).toBe("hugging-face");
  });

  it("is timm's own where there is none, and for grey pictures, which transformers does not prepare", async () => {
    for (const name of [NORMED, "timm-vit-tiny-patch16-224-one-channel"]) {
      const { description, notes } = await target(name);
      expect(description.library).toBe("timm");
      expect(notes.join()).toMatch(/saved in timm's layout/);
      const { preprocessing } = expressibleFor(description, defaultPreprocessing([16, 16], 1));
      expect(preprocessing).toMatchObject({ channels: 1, resizeOn: "pixels" });
    }
  });

  it("has pictures prepared as its library does", async () => {
    const { description } = await target(TOKEN);
    expect(expressibleFor(description, defaultPreprocessing([16, 16])).preprocessing.resizeOn).toBe(
      "torch-pixels",
    );
  });

  it("gets a distillation token only where transformers has DeiT for it", async () => {
    expect((await target(TOKEN, true)).tensors.has("distillation_classifier.weight")).toBe(true);
    await expect(target(NORMED, true)).rejects.toThrow(
      /vit_tiny_patch16_224 cannot get a distillation token/,
    );
  });

  it("is refused where neither library's layout holds it", async () => {
    const beit = "transformers-beitforimageclassification-a-bias-in-each-layer";
    await expect(target(beit)).rejects.toThrow(/BeitForImageClassification has no counterpart/);
  });
});
