import { describe, expect, it } from "vitest";
import { checkpointCases } from "../../test/checkpoint-cases.js";
import { defaultPreprocessing } from "../imaging/preprocessing.js";
import { parseSpec } from "../spec.js";
import { loadTensors } from "./hugging-face/save.js";
import { buildModel, readConfig } from "./index.js";
import { describeCheckpoint } from "./node/open.js";
import { readSafetensors } from "./safetensors.js";
import { storedTensors } from "./stored-tensor.js";
import { runOnWaves } from "./testing/run.js";
import { expressibleFor, trainable, trainedFiles } from "./trainable.js";
import { trunkOf } from "./trunk.js";

const CASES = [
  ["transformers-vitforimageclassification-plain", "ViTModel"],
  ["transformers-vitmodel-no-classifier-no-pooler", "ViTModel"],
  ["transformers-deitforimageclassificationwithteacher-two-heads", "DeiTModel"],
  ["transformers-dinov2forimageclassification-class-token-and-mean", "Dinov2Model"],
  ["transformers-dinov2withregistersforimageclassification-class-token-and-mean", "Dinov2WithRegistersModel"],
  ["transformers-swinforimageclassification-plain", "SwinModel"],
  ["transformers-swinv2forimageclassification-bfloat16-pretrained-windows", "Swinv2Model"],
  ["timm-vit-tiny-patch16-224-class-token", "ViTModel"],
  ["timm-vit-small-patch16-224-dino-no-classifier", "ViTModel"],
  ["timm-vit-tiny-patch16-224-qk-norm-and-layerscale", undefined],
  ["timm-vit-base-patch16-siglip-224-attention-pooling-head", undefined],
] as const;

async function checkpoint(name: string) {
  const found = checkpointCases().find((c) => c.name === name);
  if (found === undefined) throw new Error(`no checkpoint ${name}`);
  return describeCheckpoint(found.path, found.arch === undefined ? undefined : parseSpec(found.arch));
}

describe("a checkpoint without its classifier", () => {
  it.each(CASES)(
    "gives the features that the checkpoint's classifier reads: %s as %s",
    async (name, type) => {
      const { description, tensors, close } = await checkpoint(name);
      try {
        const trunk = trunkOf(description, tensors, { seed: 1 });
        if (type === undefined) expect(trunk.description.library).toBe("timm");
        else expect(trunk.description).toMatchObject({ architectures: [type], labels: undefined });
        expect([...trunk.tensors.keys()].filter((n) => /classifier|^head/.test(n))).toEqual([]);
        expect(trunk.notes.join()).not.toMatch(/classifier/);
        const [own, other] = await Promise.all([
          buildModel(trunk.description, trunk.tensors, { features: "pooled" }),
          buildModel(description, tensors, { features: "pooled" }),
        ]);
        const [bare, whole] = [await runOnWaves(own.model), await runOnWaves(other.model)];
        expect(bare.length).toBe(whole.length);
        bare.forEach((v, i) => {
          expect(Math.abs(v - (whole[i] ?? Number.NaN))).toBeLessThan(1e-4);
        });
      } finally {
        await close();
      }
    },
  );

  it.each(CASES)("is saved, opened and given a classifier: %s", async (name) => {
    const { description, tensors, close } = await checkpoint(name);
    try {
      const trunk = trunkOf(description, tensors, { seed: 1 });
      const [, , height = 0, width = 0] =
        (await buildModel(trunk.description, trunk.tensors)).model.graph.inputs[0]?.shape?.map(Number) ?? [];
      const { preprocessing } = expressibleFor(trunk.description, defaultPreprocessing([height, width]));
      const files = trainedFiles({
        description: trunk.description,
        tensors: await loadTensors(trunk.tensors),
        preprocessing,
      });
      const config = readConfig(JSON.parse(String(files.get("config.json"))));
      const bytes = files.get("model.safetensors");
      if (bytes === undefined || typeof bytes === "string") throw new Error("no weights were written");
      const read = storedTensors(readSafetensors(Buffer.concat(bytes), name).tensors);
      const again = trainable(config, read, { seed: 1, labels: ["a", "b"] });
      const logits = await runOnWaves((await buildModel(again.description, again.tensors)).model);
      expect(logits).toHaveLength(4);
    } finally {
      await close();
    }
  });
});
