import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import * as ort from "onnxruntime-node";
import { describe, expect, it } from "vitest";
import { corpus, type GoldenTensor, golden, readGolden } from "../../../test/corpus.js";
import { syntheticInput } from "../../../test/synthetic.js";
import type { Model, Tensor } from "../../onnx/graph.js";
import { float32Tensor } from "../../onnx/tensor.js";
import { joinPieces, writeModel } from "../../onnx/write.js";
import { buildModel, LABELS_KEY, PREPROCESSING_KEY, readConfig, storedTensors } from "../index.js";
import { openCheckpoint } from "../node/open.js";

const repository = fileURLToPath(new URL("../../..", import.meta.url));
const bundled = `${repository}/assets/models/vit_tiny_patch16_224`;
const published = `${repository}/../shared/data/weights/vit_tiny_patch16_224`;

/** The model's own outputs, and the named values beside them. */
async function run(model: Model, input: Float32Array, values: readonly string[] = []) {
  const outputs = [
    ...model.graph.outputs,
    ...values.map((name) => ({ name, dtype: "float32" as const, shape: model.graph.types.get(name)?.shape })),
  ];
  const bytes = joinPieces(writeModel({ ...model, graph: { ...model.graph, outputs } }));
  const session = await ort.InferenceSession.create(bytes, { intraOpNumThreads: 1 });
  const [channels = 0, height = 0, width = 0] = (model.graph.inputs[0]?.shape ?? []).slice(1).map(Number);
  const dims = [input.length / (channels * height * width), channels, height, width];
  const results = await session.run({ pixel_values: new ort.Tensor("float32", input, dims) });
  await session.release();
  return (name: string): Float32Array => results[name]?.data as Float32Array;
}

/** max |a − b| / max |b| */
function distance(a: ArrayLike<number>, b: ArrayLike<number>): number {
  expect(a.length).toBe(b.length);
  let [difference, largest] = [0, 0];
  for (let i = 0; i < b.length; i++) {
    difference = Math.max(difference, Math.abs((a[i] ?? Number.NaN) - (b[i] ?? 0)));
    largest = Math.max(largest, Math.abs(b[i] ?? 0));
  }
  return difference / largest;
}

const lastAttention = (model: Model) =>
  model.graph.nodes.findLast((n) => n.op === "Softmax")?.outputs[0] ?? "";

describe("timm's ViT as a graph", () => {
  const inputs = Float32Array.from([...syntheticInput(1), ...syntheticInput(2)]);
  const results = readGolden(`${repository}/test/fixtures/vit_tiny/golden.safetensors`);
  const expected = (name: string): GoldenTensor["data"] => {
    const tensor = results.get(name);
    if (tensor === undefined) throw new Error(`no golden ${name}`);
    return tensor.data;
  };

  const sources: readonly [string, string, string][] = [
    ["the bundled ViT-Tiny", bundled, "fp16"],
    ["the published ViT-Tiny", published, "fp32"],
  ];
  for (const [name, folder, precision] of sources) {
    if (!existsSync(folder)) process.stderr.write(`${folder} is absent: ${name} is not tested.\n`);
    it.skipIf(!existsSync(folder))(`${name} predicts and attends as timm's own code does`, async () => {
      const { model } = await openCheckpoint(folder);
      const attention = lastAttention(model);
      const value = await run(model, inputs, [attention]);
      expect(distance(value("logits"), expected(`${precision}.logits`))).toBeLessThan(1e-5);
      const firstRows = Array.from({ length: 6 }, (_, i) =>
        value(attention).subarray(i * 197 * 197, i * 197 * 197 + 197),
      );
      const rows = firstRows.flatMap((row) => [...row]);
      expect(distance(rows, expected(`${precision}.attention_cls.11`))).toBeLessThan(1e-5);
    });
  }

  it("carries the labels and the preprocessing of its config", async () => {
    const { metadata } = (await openCheckpoint(bundled)).model;
    const labels: string[] = JSON.parse(metadata.get(LABELS_KEY) ?? "");
    expect(labels).toHaveLength(1000);
    expect([labels[0], labels[999]]).toEqual(["tench", "toilet tissue"]);
    expect(JSON.parse(metadata.get(PREPROCESSING_KEY) ?? "").pretrained_cfg).toMatchObject({
      input_size: [3, 224, 224],
      interpolation: "bicubic",
      crop_pct: 0.9,
      crop_mode: "center",
      mean: [0.5, 0.5, 0.5],
      std: [0.5, 0.5, 0.5],
    });
  });

  const plain = corpus().filter((m) => {
    if (m.checkpoint === undefined) return false;
    const config = JSON.parse(readFileSync(`${m.checkpoint}/config.json`, "utf8"));
    return /^(vit|deit)_(tiny|small|base)_patch16_224$/.test(String(config.architecture));
  });
  it.each(plain.map((m) => [m.folder, m] as const))("equals PyTorch's results of %s", async (_folder, m) => {
    const { model } = await openCheckpoint(m.checkpoint ?? "");
    const attention = lastAttention(model);
    const value = await run(model, golden(m, "input").data as Float32Array, [attention]);
    expect(distance(value("logits"), golden(m, "logits").data)).toBeLessThan(1e-5);
    expect(distance(value(attention), golden(m, `attention.${m.blocks - 1}`).data)).toBeLessThan(1e-5);
  });

  it("takes any batch size", async () => {
    const { model } = await openCheckpoint(bundled);
    const one = (await run(model, inputs.subarray(0, inputs.length / 2)))("logits");
    expect(distance(one, expected("fp16.logits").subarray(0, 1000))).toBeLessThan(1e-5);
    const three = (await run(model, Float32Array.from([...inputs, ...syntheticInput(1)])))("logits");
    expect(distance(three.subarray(2000), one)).toBeLessThan(1e-5);
  });
});

describe("a checkpoint that does not fit", () => {
  const config = {
    architecture: "vit_tiny_patch16_224",
    num_classes: 3,
    model_args: { img_size: 16, patch_size: 8, embed_dim: 4, depth: 1, num_heads: 2 },
  };
  const shapes: Readonly<Record<string, readonly number[]>> = {
    cls_token: [1, 1, 4],
    pos_embed: [1, 5, 4],
    "patch_embed.proj.weight": [4, 3, 8, 8],
    "patch_embed.proj.bias": [4],
    "blocks.0.norm1.weight": [4],
    "blocks.0.norm1.bias": [4],
    "blocks.0.attn.qkv.weight": [12, 4],
    "blocks.0.attn.qkv.bias": [12],
    "blocks.0.attn.proj.weight": [4, 4],
    "blocks.0.attn.proj.bias": [4],
    "blocks.0.norm2.weight": [4],
    "blocks.0.norm2.bias": [4],
    "blocks.0.mlp.fc1.weight": [16, 4],
    "blocks.0.mlp.fc1.bias": [16],
    "blocks.0.mlp.fc2.weight": [4, 16],
    "blocks.0.mlp.fc2.bias": [4],
    "norm.weight": [4],
    "norm.bias": [4],
    "head.weight": [3, 4],
    "head.bias": [3],
  };
  const tensors = (changed: Readonly<Record<string, readonly number[] | undefined>> = {}) => {
    const result = new Map<string, Tensor>();
    for (const [name, dims] of Object.entries({ ...shapes, ...changed })) {
      if (dims) result.set(name, float32Tensor(dims, new Float32Array(dims.reduce((a, b) => a * b, 1))));
    }
    return result;
  };
  const build = async (overrides: object, changed = {}) =>
    buildModel(readConfig({ ...config, ...overrides }), storedTensors(tensors(changed)));

  it("is refused in one message that lists every tensor at fault", async () => {
    const changed = { "norm.weight": undefined, "head.weight": [2, 4], dist_token: [1, 1, 4] };
    await expect(build({}, changed)).rejects.toThrow(
      /Missing \(1\): norm\.weight \[4\]\. Of another shape \(1\): head\.weight is \[2, 4\], not \[3, 4\]\. Not expected \(1\): dist_token/,
    );
    await expect(build({}, { "blocks.0.attn.qkv.weight": undefined })).rejects.toThrow(
      /Missing \(1\): blocks\.0\.attn\.qkv\.weight \[12, 4\]/,
    );
    await expect(build({}, { "blocks.0.attn.qkv.bias": undefined })).rejects.toThrow(
      /Missing \(1\): blocks\.0\.attn\.qkv\.bias \[12\]/,
    );
    const without = { ...config.model_args, qkv_bias: false };
    await expect(build({ model_args: without })).rejects.toThrow(
      /Not expected \(1\): blocks\.0\.attn\.qkv\.bias/,
    );
  });

  it("builds when all is as it should be", async () => {
    expect((await build({})).model.graph.outputs.map((o) => o.name)).toEqual(["logits"]);
  });

  it("gives features where it has no classifier, which a configuration that states classes must not lack", async () => {
    const headless = { "head.weight": undefined, "head.bias": undefined };
    const { model } = await build({ num_classes: 0 }, headless);
    expect(model.graph.outputs.map((o) => o.name)).toEqual(["features"]);
    const { notes } = await build({ num_classes: undefined }, headless);
    expect(notes.join()).toMatch(/no classifier: the model gives features/);
    await expect(build({}, headless)).rejects.toThrow(
      /Missing \(2\): head\.weight \[3, 4\], head\.bias \[3\]/,
    );
  });

  it("leaves out the projection head of self-supervised training, and says so", async () => {
    const projection = {
      "head.weight": undefined,
      "head.bias": undefined,
      "head.last_layer.weight_v": [9, 4],
    };
    expect((await build({ num_classes: 0 }, projection)).notes.join()).toMatch(/projection head/);
  });

  it("takes images of another size, of whole patches", async () => {
    const wide = (image: readonly [number, number]) =>
      buildModel(readConfig(config), storedTensors(tensors()), { image });
    const { model, notes } = await wide([24, 40]);
    expect(model.graph.inputs[0]?.shape?.slice(1)).toEqual([3, 24, 40]);
    expect(notes.join()).toMatch(/2×2 patches were interpolated to 3×5/);
    expect(JSON.parse(model.metadata.get(PREPROCESSING_KEY) ?? "").pretrained_cfg.input_size).toEqual([
      3, 24, 40,
    ]);
    await expect(wide([24, 41])).rejects.toThrow(/24×41 are no multiple of patches of 8×8/);
  });

  it("takes a norm where the model had it before its pooling was changed", async () => {
    const { model } = await build({ global_pool: "avg" });
    expect(model.graph.nodes.some((n) => n.scope === "norm")).toBe(true);
    const made = { model_args: { ...config.model_args, global_pool: "avg" } };
    await expect(build(made)).rejects.toThrow(/Missing \(2\): fc_norm\.weight/);
  });

  const args = config.model_args;
  it.each([
    ["an architecture that is not known", { architecture: "resnet50" }, /"resnet50" is not one of/],
    ["an argument that is not known", { model_args: { ...args, rope: true } }, /there is no argument rope/],
    [
      "an activation that is not known",
      { model_args: { ...args, act_layer: "mish" } },
      /act_layer is "mish"/,
    ],
    [
      "another norm",
      { model_args: { ...args, norm_layer: "rmsnorm" } },
      /norm_layer is "rmsnorm": only LayerNorm/,
    ],
    [
      "other blocks",
      { architecture: "vit_base_patch16_rpn_224" },
      /block_fn is "ResPostBlock": only "Block"/,
    ],
    ["other attention", { model_args: { ...args, attn_layer: "diff" } }, /attn_layer is "diff"/],
    ["no pooling", { model_args: { ...args, global_pool: "" } }, /global_pool "" is not supported/],
    ["a pooling that is not known", { global_pool: "sum" }, /global_pool "sum" is not known/],
    ["heads that do not divide the width", { model_args: { ...args, num_heads: 3 } }, /no multiple/],
    ["patches larger than the image", { model_args: { ...args, patch_size: 32 } }, /exceed images/],
    ["labels of another number", { label_names: ["a"] }, /1 labels for 3 classes/],
    ["token pooling without a token", { model_args: { ...args, class_token: false } }, /needs class_token/],
    [
      "images that leave a remainder though sizes vary",
      {
        model_args: { ...args, img_size: 20, dynamic_img_size: true },
        pretrained_cfg: { input_size: [3, 20, 20] },
      },
      /20×20 are no multiple of patches of 8×8/,
    ],
    [
      "registers beside a distillation token",
      { architecture: "deit_tiny_distilled_patch16_224", model_args: { ...args, reg_tokens: 1 } },
      /distilled/,
    ],
  ])("with %s is refused", async (_what, overrides, message) => {
    await expect(build(overrides)).rejects.toThrow(message);
  });

  it("with a description that is none is refused", () => {
    expect(() => readConfig({ num_classes: "x" })).toThrow(/architecture: .*; pretrained_cfg\.num_classes: /);
    expect(() => readConfig(null)).toThrow(/the file: /);
  });
});
