import { describe, expect, it } from "vitest";
import { tensorToFloat32 } from "../../../onnx/tensor.js";
import { buildModel } from "../../index.js";
import { runOnWaves } from "../../testing/run.js";
import { readHuggingFaceConfig } from "../config.js";
import { loadTensors } from "../save.js";
import {
  asHuggingFace,
  configured,
  freshWeights,
  type HuggingFaceModel,
  withDistillationToken,
} from "./index.js";

const SIZES = {
  hidden_size: 12,
  num_hidden_layers: 2,
  num_attention_heads: 3,
  intermediate_size: 24,
  image_size: 16,
  patch_size: 4,
};
const SWIN = {
  image_size: 16,
  patch_size: 2,
  embed_dim: 6,
  depths: [2, 2],
  num_heads: [2, 4],
  window_size: 4,
};
const labels = ["a", "b", "c"];

function fresh(
  type: Parameters<typeof configured>[0],
  fields: Readonly<Record<string, unknown>>,
  seed = 7,
): HuggingFaceModel {
  const description = configured(type, fields, labels);
  return { description, tensors: freshWeights(description, seed) };
}

const floats = async ({ tensors }: HuggingFaceModel, name: string): Promise<Float32Array> => {
  const tensor = (await loadTensors(tensors)).get(name);
  if (tensor === undefined) throw new Error(`no tensor ${name}`);
  return tensorToFloat32(tensor);
};

describe("weights from nothing", () => {
  it.each([
    ["vit", SIZES],
    ["deit", SIZES],
    ["dinov2", { ...SIZES, mlp_ratio: 2 }],
    ["dinov2_with_registers", { ...SIZES, mlp_ratio: 2 }],
    ["swin", SWIN],
    ["swinv2", { ...SWIN, pretrained_window_sizes: [0, 0] }],
  ] as const)("make a %s that runs and is the same for the same seed", async (type, fields) => {
    const { description, tensors } = fresh(type, fields);
    const first = await runOnWaves((await buildModel(description, tensors)).model);
    expect(first.length).toBe(6);
    expect(first.every(Number.isFinite)).toBe(true);
    const again = fresh(type, fields);
    expect(await runOnWaves((await buildModel(again.description, again.tensors)).model)).toEqual(first);
    const other = fresh(type, fields, 8);
    expect(await runOnWaves((await buildModel(other.description, other.tensors)).model)).not.toEqual(first);
  });

  it("are as transformers draws them: norms 1, biases 0, matrices with a deviation of initializer_range", async () => {
    const model = fresh("swin", { ...SWIN, embed_dim: 24, initializer_range: 0.05 });
    const block = "swin.encoder.layers.0.blocks.0";
    expect(new Set(await floats(model, `${block}.layernorm_before.weight`))).toEqual(new Set([1]));
    expect(new Set(await floats(model, `${block}.intermediate.dense.bias`))).toEqual(new Set([0]));
    const matrix = await floats(model, `${block}.intermediate.dense.weight`);
    const deviation = Math.sqrt(matrix.reduce((sum, v) => sum + v * v, 0) / matrix.length);
    expect(deviation).toBeCloseTo(0.05, 2);
  });

  it("are a complete configuration of transformers'", () => {
    const { description } = fresh("swin", SWIN);
    expect(description.json).toMatchObject({
      model_type: "swin",
      hidden_size: 12,
      num_layers: 2,
      drop_path_rate: 0.1,
    });
    expect(readHuggingFaceConfig(description.json, "config.json").labels).toEqual(labels);
  });

  it("are refused for other models", () => {
    const other = readHuggingFaceConfig({ model_type: "beit" }, "config.json");
    expect(() => freshWeights(other, 1)).toThrow(/beit cannot be trained from nothing/);
  });
});

describe("a distillation token", () => {
  const plain = () => ({ ...fresh("vit", SIZES), notes: [] });

  it("comes with a position and a classifier, and leaves everything else as it was", async () => {
    const before = plain();
    const after = withDistillationToken(before, 3);
    expect(after.description.architectures).toEqual(["DeiTForImageClassificationWithTeacher"]);
    expect(after.description.modelType).toBe("deit");
    const old = await floats(before, "vit.embeddings.position_embeddings");
    const table = await floats(after, "deit.embeddings.position_embeddings");
    expect(table.length).toBe(old.length + 12);
    expect(table.subarray(0, 12)).toEqual(old.subarray(0, 12));
    expect(table.subarray(24)).toEqual(old.subarray(12));
    expect(await floats(after, "cls_classifier.weight")).toEqual(await floats(before, "classifier.weight"));
    const logits = await runOnWaves((await buildModel(after.description, after.tensors)).model);
    expect(logits.length).toBe(6);
  });

  it("is asked for with the translation", () => {
    const { description, tensors } = plain();
    const { architectures } = asHuggingFace(description, tensors, { seed: 1, distilled: true }).description;
    expect(architectures).toEqual(["DeiTForImageClassificationWithTeacher"]);
  });

  it("stays where there is one, and gets the classifier that is missing", async () => {
    const deit = { ...fresh("deit", SIZES), notes: [] };
    const after = withDistillationToken(deit, 3);
    const name = "deit.embeddings.distillation_token";
    expect(await floats(after, name)).toEqual(await floats(deit, name));
    expect(after.tensors.has("distillation_classifier.weight")).toBe(true);
    expect(withDistillationToken(after, 4)).toBe(after);
  });

  it("is refused for a Swin", () => {
    expect(() => withDistillationToken({ ...fresh("swin", SWIN), notes: [] }, 1)).toThrow(
      /SwinForImageClassification cannot get a distillation token/,
    );
  });
});
