/**
 * @file Models in the layout that transformers loads, opened again as any model is. With VITREOUS_SAVED a folder, they
 * are left there with what they give, for test/oracle/load_saved.py to open with transformers itself.
 */
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, it } from "vitest";
import type { NodeModel } from "../src/api/node/node-model.js";
import { openModel } from "../src/api/node/open.js";
import { decodeImage } from "../src/imaging/node/decode.js";
import { preprocess } from "../src/imaging/preprocess.js";
import {
  HALF,
  type Preprocessing,
  resizedTo,
  torchvisionPreprocessing,
} from "../src/imaging/preprocessing.js";
import { loadTensors } from "../src/models/hugging-face/save.js";
import {
  asHuggingFace,
  configured,
  freshWeights,
  withDistillationToken,
} from "../src/models/hugging-face/translate/index.js";
import { buildModel } from "../src/models/index.js";
import { type DescribedCheckpoint, describeCheckpoint, openCheckpoint } from "../src/models/node/open.js";
import { saveTrainable } from "../src/models/node/save.js";
import { runOnWaves } from "../src/models/testing/run.js";
import { expressibleFor, type Trainable, trainable } from "../src/models/trainable.js";
import { writeSafetensors } from "../src/models/write-safetensors.js";
import { float32Tensor } from "../src/onnx/tensor.js";
import { joinPieces } from "../src/onnx/write.js";
import { parseSpec } from "../src/spec.js";
import { type CheckpointCase, checkpointCases } from "./checkpoint-cases.js";
import { joined, relativeError } from "./compare.js";

const kept = process.env.VITREOUS_SAVED;
const root = kept ?? mkdtempSync(join(tmpdir(), "vitreous-saved-"));
afterAll(() => {
  if (kept === undefined) rmSync(root, { recursive: true });
});

const PICTURE = fileURLToPath(new URL("fixtures/imaging/cell.png", import.meta.url));
const VIT_TINY = fileURLToPath(new URL("../../shared/data/weights/vit_tiny_patch16_224", import.meta.url));
const labels = ["benign", "malignant", "normal"];

const stretched = (interpolation: "bilinear" | "bicubic"): Preprocessing => ({
  channels: 3,
  resize: { mode: "exact", height: 224, width: 224, interpolation },
  crop: null,
  resizeOn: "torch-pixels",
  rescale: 1 / 255,
  mean: HALF,
  std: HALF,
  source: "a test",
  warnings: [],
});

/** A preparation for such images, each kind of processor in turn. */
function preparation(index: number, size: readonly [number, number]): Preprocessing {
  const kinds = [stretched("bilinear"), torchvisionPreprocessing(256, 224, "bicubic"), stretched("bicubic")];
  const own = kinds[index % kinds.length];
  const scaled = own && resizedTo(own, size);
  if (scaled === undefined) throw new Error("no preparation for this size");
  return scaled;
}

/** [images, classes] for images [2, 3, height, width] that are the same on every call. */
async function logitsOf(model: NodeModel, [height, width]: readonly [number, number], pixels: Float32Array) {
  const size = 3 * height * width;
  const images = await Promise.all(
    [0, 1].map((i) =>
      model.fromTensor({ data: pixels.slice(i * size, (i + 1) * size), channels: 3, height, width }, `${i}`),
    ),
  );
  const all: Float32Array[] = [];
  for await (const e of model.explainAll(images, [], { target: "top" }))
    all.push(Float32Array.from(e.logits));
  return joined(all);
}

/** Saves, opens, compares, and leaves what transformers should give beside the files. */
async function check(
  name: string,
  model: Pick<Trainable, "description" | "tensors">,
  index: number,
  precision?: "float16",
): Promise<void> {
  const folder = join(root, name);
  const built = await buildModel(model.description, model.tensors);
  const [, , ...sides] = built.model.graph.inputs[0]?.shape ?? [];
  const size: readonly [number, number] = [Number(sides[0]), Number(sides[1])];
  const { preprocessing } = expressibleFor(model.description, preparation(index, size));
  const tensors = await loadTensors(model.tensors);
  await saveTrainable(folder, { description: model.description, tensors, preprocessing, precision });
  const [height, width] = size;
  const pixels = Float32Array.from(
    { length: 6 * height * width },
    (_, i) => Math.sin(i * 0.7) + Math.cos(i * 0.013),
  );
  const before = await runOnWaves(built.model);
  const opened = await openModel(folder, { threads: 1 });
  try {
    const logits = await logitsOf(opened, size, pixels);
    // What is opened to be explained is another graph, and rounds otherwise.
    expect(relativeError(logits, before)).toBeLessThanOrEqual(precision ? 1e-2 : 1e-5);
    const again = await runOnWaves((await openCheckpoint(folder)).model);
    expect(relativeError(again, before)).toBeLessThanOrEqual(precision ? 1e-2 : 1e-6);
    expect(opened.preprocessing).toMatchObject({ resize: preprocessing.resize, mean: preprocessing.mean });
    const prepared = preprocess(await decodeImage(PICTURE), opened.preprocessing);
    const expected = new Map([
      ["input", float32Tensor([2, 3, height, width], pixels)],
      ["logits", float32Tensor([2, logits.length / 2], logits)],
      ["pixels", float32Tensor([1, 3, prepared.height, prepared.width], prepared.data)],
    ]);
    await mkdir(join(folder, "expected"), { recursive: true });
    await writeFile(join(folder, "expected", "expected.safetensors"), joinPieces(writeSafetensors(expected)));
    await writeFile(join(folder, "expected", "picture.png"), await readFile(PICTURE));
  } finally {
    await opened.close();
  }
}

const TRANSLATED = [
  "timm-deit-tiny-distilled-patch16-224-two-heads",
  "timm-deit3-small-patch16-224-layerscale",
  "timm-swin-tiny-patch4-window7-224-new-names",
  "timm-swinv2-tiny-window8-256-float16-clamped-logit-scale",
  "timm-vit-tiny-patch16-224-class-token",
  "timm-vit-tiny-patch16-224-rectangular-image-pth-tar-with-module",
  "timm-vit-tiny-patch16-224-registers-positions-of-patches-only",
  "torchvision-swin-t-pth-tar-with-module",
  "torchvision-swin-v2-t-float16",
  "torchvision-vit-b-16-at-another-size",
  "transformers-deitforimageclassification-class-token-s-head",
  "transformers-deitforimageclassificationwithteacher-two-heads",
  "transformers-dinov2forimageclassification-class-token-and-mean",
  "transformers-dinov2forimageclassification-swiglu",
  "transformers-dinov2withregistersforimageclassification-class-token-and-mean",
  "transformers-swinforimageclassification-absolute-positions",
  "transformers-swinforimageclassification-plain",
  "transformers-swinv2forimageclassification-bfloat16-pretrained-windows",
  "transformers-vitforimageclassification-quick-gelu-no-bias-of-q-k-v",
  "transformers-vitforimageclassification-rectangular-patches",
  "transformers-vitmodel-no-classifier-no-pooler",
];

/** What transformers has no class for. */
const OWN = [
  "timm-beit-base-patch16-224-relative-positions",
  "timm-swin-tiny-patch4-window7-224-padding-rectangular",
  "timm-vit-base-patch16-clip-quickgelu-224-pre-norm-quick-gelu",
  "timm-vit-base-patch16-siglip-224-attention-pooling-head",
  "timm-vit-giant-patch14-reg4-dinov2-swiglu",
  "timm-vit-medium-patch16-reg4-gap-256-its-own-options",
  "timm-vit-small-patch16-dinov3-rotary",
  "timm-vit-small-patch16-rope-mixed-224-learned-rotary-rectangular",
  "timm-vit-tiny-patch16-224-mean-pooling-with-fc-norm",
  "timm-vit-tiny-patch16-224-qk-norm-and-layerscale",
];

const cases = checkpointCases();

async function withCheckpoint(
  name: string,
  use: (checkpoint: DescribedCheckpoint, found: CheckpointCase) => Promise<void>,
): Promise<void> {
  const found = cases.find((c) => c.name === name);
  if (found === undefined) throw new Error(`no checkpoint ${name}`);
  const arch = found.arch === undefined ? undefined : parseSpec(found.arch);
  const checkpoint = await describeCheckpoint(found.path, arch);
  try {
    await use(checkpoint, found);
  } finally {
    await checkpoint.close();
  }
}

describe("a saved model", () => {
  it.each(TRANSLATED.map((name, i) => [name, i] as const))("opens with the same logits: %s", (name, i) =>
    withCheckpoint(name, async ({ description, tensors }, { imageSize: image, output }) => {
      await check(name, asHuggingFace(description, tensors, { image, seed: 5, labels }), i);
      if (output !== "logits" || kept === undefined) return;
      await check(`${name}-own-classes`, asHuggingFace(description, tensors, { image, seed: 5 }), i + 1);
    }),
  );

  it.each(OWN.map((name, i) => [name, i] as const))("is timm's where transformers has none: %s", (name, i) =>
    withCheckpoint(name, async ({ description, tensors }, { imageSize: image, output }) => {
      const target = trainable(description, tensors, { image, seed: 5, labels });
      expect(target.description.library).toBe("timm");
      expect(target.notes.join()).toMatch(/saved in timm's layout/);
      await check(name, target, i);
      const own = output === "logits" && trainable(description, tensors, { image, seed: 5 });
      if (own === false) return;
      const before = await runOnWaves((await buildModel(description, tensors, { image })).model);
      const after = await runOnWaves((await buildModel(own.description, own.tensors)).model);
      expect(relativeError(after, before)).toBeLessThanOrEqual(1e-6);
      if (kept !== undefined) await check(`${name}-own-classes`, own, i + 1);
    }),
  );

  it("is half as large in float16, and computes in float32 all the same", () =>
    withCheckpoint("timm-vit-tiny-patch16-224-class-token", async ({ description, tensors }) => {
      const target = asHuggingFace(description, tensors, { seed: 5 });
      await check("float16", target, 0, "float16");
    }));

  it("opens with the same logits: from nothing, and with a distillation token", async () => {
    const small = {
      hidden_size: 12,
      num_hidden_layers: 2,
      num_attention_heads: 3,
      intermediate_size: 24,
      image_size: 16,
      patch_size: 4,
    };
    const vit = configured("vit", small, labels);
    const plain = { description: vit, tensors: freshWeights(vit, 3), notes: [] };
    await check("fresh-vit", plain, 0);
    await check("fresh-vit-with-token", withDistillationToken(plain, 3), 1);
    const windows = {
      image_size: 16,
      patch_size: 2,
      embed_dim: 6,
      depths: [2, 2],
      num_heads: [2, 4],
      window_size: 4,
    };
    const swin = configured("swin", windows, labels);
    await check("fresh-swin", { description: swin, tensors: freshWeights(swin, 3) }, 2);
  });

  it("is refused, before a file is written, where transformers would prepare other pictures", async () => {
    const swin = configured("swin", { image_size: 224 }, labels);
    const preprocessing = torchvisionPreprocessing(256, 224);
    const folder = join(root, "refused");
    const tensors = await loadTensors(freshWeights(configured("vit", { num_hidden_layers: 1 }, labels), 1));
    const vit = configured("vit", { num_hidden_layers: 1 }, labels);
    await expect(saveTrainable(folder, { description: vit, tensors, preprocessing })).rejects.toThrow(
      /cannot prepare pictures as this model was trained/,
    );
    await expect(saveTrainable(folder, { description: swin, tensors, preprocessing })).rejects.toThrow(
      /do not fit SwinForImageClassification/,
    );
    expect(existsSync(folder)).toBe(false);
  });
});

if (!existsSync(VIT_TINY)) console.log(`skipped: no ${VIT_TINY}`);

describe.skipIf(!existsSync(VIT_TINY))("timm's ViT-Tiny", () => {
  it("gives the same thousand logits after translation, and opens again", { timeout: 60_000 }, async () => {
    const { description, tensors, close } = await describeCheckpoint(VIT_TINY);
    try {
      const before = await runOnWaves((await buildModel(description, tensors)).model);
      const own = asHuggingFace(description, tensors, { seed: 1 });
      const after = await runOnWaves((await buildModel(own.description, own.tensors)).model);
      expect(after.length).toBe(2000);
      expect(relativeError(after, before)).toBeLessThanOrEqual(1e-6);
      await check("vit-tiny", own, 1);
      await check("vit-tiny-three-classes", asHuggingFace(description, tensors, { seed: 1, labels }), 0);
    } finally {
      await close();
    }
  });
});
