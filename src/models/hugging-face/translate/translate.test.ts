import { describe, expect, it } from "vitest";
import { checkpointCases } from "../../../../test/checkpoint-cases.js";
import { relativeError } from "../../../../test/compare.js";
import { tensorToFloat32 } from "../../../onnx/tensor.js";
import { parseSpec } from "../../../spec.js";
import { buildModel } from "../../index.js";
import { type DescribedCheckpoint, describeCheckpoint } from "../../node/open.js";
import { runOnWaves } from "../../testing/run.js";
import { loadTensors } from "../save.js";
import { asHuggingFace, type Translation, type TranslationOptions } from "./index.js";

const cases = checkpointCases();

async function withCheckpoint<T>(
  name: string,
  use: (checkpoint: DescribedCheckpoint, image: readonly [number, number] | undefined) => Promise<T>,
): Promise<T> {
  const found = cases.find((c) => c.name === name);
  if (found === undefined) throw new Error(`no checkpoint ${name}`);
  const checkpoint = await describeCheckpoint(found.path, found.arch ? parseSpec(found.arch) : undefined);
  try {
    return await use(checkpoint, found.imageSize);
  } finally {
    await checkpoint.close();
  }
}

const translated = <T>(
  name: string,
  options: Partial<TranslationOptions>,
  use: (translation: Translation) => Promise<T>,
): Promise<T> =>
  withCheckpoint(name, async ({ description, tensors }, image) =>
    use(asHuggingFace(description, tensors, { seed: 1, image, ...options })),
  );

/** A tensor's numbers. */
async function numbers({ tensors }: Translation, name: string): Promise<readonly number[]> {
  const loaded = (await loadTensors(tensors)).get(name);
  return loaded === undefined ? [] : [...tensorToFloat32(loaded)];
}

/** Of the logits after translation, by those before. */
const errorOf = (name: string): Promise<number> =>
  withCheckpoint(name, async ({ description, tensors }, image) => {
    const before = await buildModel(description, tensors, { image });
    const after = asHuggingFace(description, tensors, { seed: 1, image });
    const built = await buildModel(after.description, after.tensors);
    expect(built.model.graph.inputs[0]?.shape).toEqual(before.model.graph.inputs[0]?.shape);
    return relativeError(await runOnWaves(built.model), await runOnWaves(before.model));
  });

const SAME: Readonly<Record<string, string>> = {
  "timm-deit-tiny-distilled-patch16-224-two-heads": "DeiTForImageClassificationWithTeacher",
  "timm-deit3-small-patch16-224-layerscale": "Dinov2ForImageClassification",
  "timm-swin-tiny-patch4-window7-224-new-names": "SwinForImageClassification",
  "timm-swin-tiny-patch4-window7-224-old-names-in-pth": "SwinForImageClassification",
  "timm-swinv2-tiny-window8-256-float16-clamped-logit-scale": "Swinv2ForImageClassification",
  "timm-vit-tiny-patch16-224-at-another-size": "ViTForImageClassification",
  "timm-vit-tiny-patch16-224-bare-safetensors": "ViTForImageClassification",
  "timm-vit-tiny-patch16-224-bfloat16-in-pth": "ViTForImageClassification",
  "timm-vit-tiny-patch16-224-class-token": "ViTForImageClassification",
  "timm-vit-tiny-patch16-224-float16": "ViTForImageClassification",
  "timm-vit-tiny-patch16-224-one-channel": "ViTForImageClassification",
  "timm-vit-tiny-patch16-224-rectangular-image-pth-tar-with-module": "ViTForImageClassification",
  "timm-vit-tiny-patch16-224-rectangular-patches": "ViTForImageClassification",
  "timm-vit-tiny-patch16-224-registers-positions-of-patches-only":
    "Dinov2WithRegistersForImageClassification",
  "torchvision-swin-t-pth-tar-with-module": "SwinForImageClassification",
  "torchvision-swin-v2-t-float16": "Swinv2ForImageClassification",
  "torchvision-vit-b-16-at-another-size": "ViTForImageClassification",
  "torchvision-vit-b-16-pth": "ViTForImageClassification",
  "transformers-deitforimageclassification-class-token-s-head": "DeiTForImageClassification",
  "transformers-deitforimageclassificationwithteacher-two-heads": "DeiTForImageClassificationWithTeacher",
  "transformers-dinov2forimageclassification-class-token-and-mean": "Dinov2ForImageClassification",
  "transformers-dinov2forimageclassification-swiglu": "Dinov2ForImageClassification",
  "transformers-dinov2withregistersforimageclassification-class-token-and-mean":
    "Dinov2WithRegistersForImageClassification",
  "transformers-swinforimageclassification-absolute-positions": "SwinForImageClassification",
  "transformers-swinforimageclassification-plain": "SwinForImageClassification",
  "transformers-swinv2forimageclassification-bfloat16-pretrained-windows": "Swinv2ForImageClassification",
  "transformers-vitforimageclassification-at-another-size": "ViTForImageClassification",
  "transformers-vitforimageclassification-config-of-differences-only": "ViTForImageClassification",
  "transformers-vitforimageclassification-plain": "ViTForImageClassification",
  "transformers-vitforimageclassification-pytorch-model-bin": "ViTForImageClassification",
  "transformers-vitforimageclassification-quick-gelu-no-bias-of-q-k-v": "ViTForImageClassification",
  "transformers-vitforimageclassification-rectangular-patches": "ViTForImageClassification",
  "transformers-vitforimageclassification-sharded": "ViTForImageClassification",
};

const REFUSED: Readonly<Record<string, RegExp>> = {
  "timm-beit-base-patch16-224-relative-positions": /beit_base_patch16_224 .*none of the plain/,
  "timm-eva02-base-patch14-224-norm-in-the-mlp-at-another-size": /none of the plain/,
  "timm-swin-tiny-patch4-window7-224-padding-rectangular": /lays windows otherwise .* 7×9 tokens in stage 0/,
  "timm-vit-base-patch16-clip-quickgelu-224-pre-norm-quick-gelu": /a norm in front of its blocks/,
  "timm-vit-base-patch16-siglip-224-attention-pooling-head": /no class token/,
  "timm-vit-giant-patch14-reg4-dinov2-swiglu": /12 hidden features.* multiple of 8/,
  "timm-vit-tiny-patch16-224-mean-pooling-with-fc-norm": /last norm does not stand/,
  "timm-vit-tiny-patch16-224-qk-norm-and-layerscale": /norms of queries and keys/,
  "transformers-beitforimageclassification-a-bias-in-each-layer": /none of the plain/,
  "transformers-dinov2forimageclassification-used-at-another-size-than-its-configuration-s": /square images/,
};

describe("a checkpoint as a model of transformers", () => {
  it.each(Object.entries(SAME))("%s computes the same as %s", async (name, architecture) => {
    expect(await errorOf(name)).toBeLessThanOrEqual(1e-6);
    await translated(name, {}, async ({ description }) => {
      expect(description.architectures).toEqual([architecture]);
    });
  });

  it.each(Object.entries(REFUSED))("%s is refused by name: %s", async (name, message) => {
    await expect(translated(name, {}, async () => undefined)).rejects.toThrow(message);
  });

  it("keeps the checkpoint's own classes where no others are asked for", async () => {
    await translated("timm-vit-tiny-patch16-224-class-token", {}, async ({ description }) => {
      expect(description.labels).toEqual(["LABEL_0", "LABEL_1", "LABEL_2", "LABEL_3", "LABEL_4", "LABEL_5"]);
    });
  });
});

describe("new classes", () => {
  const labels = ["benign", "malignant", "normal"];

  it("get a classifier drawn from the seed, without bias, and names in the configuration", async () => {
    const draw = (seed: number) =>
      translated("timm-vit-tiny-patch16-224-class-token", { labels, seed }, async (translation) => {
        const { description, tensors } = translation;
        expect(description.json.id2label).toEqual({ "0": "benign", "1": "malignant", "2": "normal" });
        expect(description.json.label2id).toEqual({ benign: 0, malignant: 1, normal: 2 });
        expect(tensors.get("classifier.weight")?.dims).toEqual([3, 12]);
        expect(await numbers(translation, "classifier.bias")).toEqual([0, 0, 0]);
        return numbers(translation, "classifier.weight");
      });
    const [first, again, other] = [await draw(1), await draw(1), await draw(2)];
    expect(again).toEqual(first);
    expect(other).not.toEqual(first);
    const deviation = Math.sqrt(first.reduce((sum, v) => sum + v * v, 0) / first.length);
    expect(deviation).toBeGreaterThan(0.01);
    expect(deviation).toBeLessThan(0.03);
  });

  it("replace a classifier of as many classes with other names", async () => {
    const six = ["a", "b", "c", "d", "e", "f"];
    const name = "transformers-vitforimageclassification-plain";
    await withCheckpoint(name, async ({ description, tensors }) => {
      const named = asHuggingFace(description, tensors, { seed: 1, labels: six });
      expect(named.notes.join()).toMatch(/classifier of 6 classes is kept/);
      const other = asHuggingFace(named.description, named.tensors, {
        seed: 1,
        labels: [...six.slice(1), "g"],
      });
      expect(other.notes.join()).toMatch(/new classifier of 6 classes/);
    });
  });

  it("get two classifiers where there is a distillation token", async () => {
    await translated("timm-deit-tiny-distilled-patch16-224-two-heads", { labels }, async ({ tensors }) => {
      expect(tensors.get("cls_classifier.weight")?.dims).toEqual([3, 12]);
      expect(tensors.get("distillation_classifier.weight")?.dims).toEqual([3, 12]);
    });
  });

  it("get a classifier where the checkpoint has none, on DINOv2's class token and mean of patches", async () => {
    for (const name of [
      "timm-vit-small-patch16-224-dino-no-classifier",
      "transformers-vitmodel-no-classifier-no-pooler",
    ]) {
      await translated(name, { labels }, async ({ description, tensors, notes }) => {
        expect(description.architectures).toEqual(["ViTForImageClassification"]);
        expect(tensors.get("classifier.weight")?.dims).toEqual([3, 12]);
        expect(notes.join()).not.toMatch(/gives features/);
      });
    }
    const dinov2 = "transformers-dinov2forimageclassification-class-token-and-mean";
    await translated(dinov2, { labels }, async ({ tensors }) => {
      expect(tensors.get("classifier.weight")?.dims).toEqual([3, 24]);
    });
  });

  it("are needed where there is no classifier", async () => {
    await expect(
      translated("timm-vit-small-patch16-224-dino-no-classifier", {}, async () => undefined),
    ).rejects.toThrow(/say which classes there are/);
  });

  it("may share a name where they are the checkpoint's own, as ImageNet's two cranes do", async () => {
    const name = "transformers-vitforimageclassification-plain";
    await withCheckpoint(name, async ({ description, tensors }) => {
      if (description.library !== "hugging-face") throw new Error("not transformers'");
      const cranes = { ...description, labels: ["crane", "crane", "a", "b", "c", "d"] };
      const { description: after } = asHuggingFace(cranes, tensors, { seed: 1 });
      expect(after.labels?.slice(0, 2)).toEqual(["crane", "crane"]);
    });
  });

  it("must have names of their own", async () => {
    await expect(
      translated("timm-vit-tiny-patch16-224-class-token", { labels: ["a", "a"] }, async () => undefined),
    ).rejects.toThrow(/two classes are called "a"/);
  });
});

describe("another image size", () => {
  it("is stored, with positions on its grid that nothing interpolates any more", async () => {
    const name = "timm-vit-tiny-patch16-224-class-token";
    await translated(name, { image: [24, 32] }, async ({ description, tensors, notes }) => {
      expect(description.json.image_size).toEqual([24, 32]);
      expect(tensors.get("vit.embeddings.position_embeddings")?.dims).toEqual([1, 1 + 6 * 8, 12]);
      expect(notes.join()).toMatch(/interpolated to 6×8/);
      const { notes: after } = await buildModel(description, tensors);
      expect(after.join()).not.toMatch(/interpolated/);
    });
  });

  it("moves a Swin V2's windows, as transformers does with a configuration of that size", async () => {
    const name = "transformers-swinv2forimageclassification-bfloat16-pretrained-windows";
    await translated(name, { image: [32, 32] }, async ({ description, tensors, notes }) => {
      expect(notes.join()).toMatch(/Windows are laid for images of 32×32/);
      expect(description.json.image_size).toBe(32);
      await buildModel(description, tensors);
    });
  });
});
