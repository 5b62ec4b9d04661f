import { describe, expect, it } from "vitest";
import { parseSpec } from "../../spec.js";
import { readHead } from "../head.js";
import { buildModel, readConfig, recognise } from "../index.js";
import { type Shapes, zeros } from "../testing/zeros.js";

const CONFIG = {
  model_type: "beit",
  architectures: ["BeitForImageClassification"],
  hidden_size: 8,
  num_hidden_layers: 1,
  num_attention_heads: 2,
  intermediate_size: 16,
  image_size: 8,
  patch_size: 4,
  use_relative_position_bias: true,
  num_labels: 3,
};

const BLOCK = "beit.encoder.layer.0";

/** As transformers 4 and 5 save it. */
const BEIT: Shapes = {
  "beit.embeddings.cls_token": [1, 1, 8],
  "beit.embeddings.patch_embeddings.projection.weight": [8, 3, 4, 4],
  "beit.embeddings.patch_embeddings.projection.bias": [8],
  [`${BLOCK}.layernorm_before.weight`]: [8],
  [`${BLOCK}.layernorm_before.bias`]: [8],
  [`${BLOCK}.attention.attention.query.weight`]: [8, 8],
  [`${BLOCK}.attention.attention.query.bias`]: [8],
  [`${BLOCK}.attention.attention.key.weight`]: [8, 8],
  [`${BLOCK}.attention.attention.value.weight`]: [8, 8],
  [`${BLOCK}.attention.attention.value.bias`]: [8],
  [`${BLOCK}.attention.attention.relative_position_bias.relative_position_bias_table`]: [12, 2],
  [`${BLOCK}.attention.attention.relative_position_bias.relative_position_index`]: [5, 5],
  [`${BLOCK}.attention.output.dense.weight`]: [8, 8],
  [`${BLOCK}.attention.output.dense.bias`]: [8],
  [`${BLOCK}.lambda_1`]: [8],
  [`${BLOCK}.layernorm_after.weight`]: [8],
  [`${BLOCK}.layernorm_after.bias`]: [8],
  [`${BLOCK}.intermediate.dense.weight`]: [16, 8],
  [`${BLOCK}.intermediate.dense.bias`]: [16],
  [`${BLOCK}.output.dense.weight`]: [8, 16],
  [`${BLOCK}.output.dense.bias`]: [8],
  [`${BLOCK}.lambda_2`]: [8],
  "beit.pooler.layernorm.weight": [8],
  "beit.pooler.layernorm.bias": [8],
  "classifier.weight": [3, 8],
  "classifier.bias": [3],
};

const build = (config: object, shapes: Shapes = BEIT, options = {}) =>
  buildModel(readConfig({ ...CONFIG, ...config }), zeros(shapes), options);

describe("Hugging Face's BEiT", () => {
  it("is built, its index of relative positions left aside", async () => {
    const { model } = await build({});
    expect(model.graph.outputs.map((o) => o.name)).toEqual(["logits"]);
    expect(model.graph.nodes.some((n) => n.scope === `${BLOCK}.layernorm_before`)).toBe(true);
  });

  it("takes images of the size that is asked for, or else of that which the processor delivers", async () => {
    const size = async (options: object) =>
      (await build({}, BEIT, options)).model.graph.inputs[0]?.shape?.slice(2);
    expect(await size({ prepared: [12, 8] })).toEqual([12, 8]);
    expect(await size({ prepared: [12, 8], image: [12, 12] })).toEqual([12, 12]);
  });

  it("takes a classifier of the user's in the place of its own", async () => {
    const head = readHead(zeros({ weight: [5, 8], bias: [5] }), "probe.pth");
    const { model } = await buildModel(readConfig(CONFIG), zeros(BEIT), { head });
    expect(model.graph.outputs[0]?.shape?.[1]).toBe(5);
  });

  it("lists tensors that are missing, biases too", async () => {
    const changed = {
      [`${BLOCK}.attention.attention.query.bias`]: undefined,
      [`${BLOCK}.output.dense.bias`]: undefined,
      [`${BLOCK}.attention.attention.key.bias`]: [8],
    };
    await expect(build({}, { ...BEIT, ...changed })).rejects.toThrow(
      /Missing \(2\): .*query\.bias \[8\].*output\.dense\.bias \[8\]\. Not expected \(1\): .*key\.bias/,
    );
  });

  it.each([
    [
      "a class that gives no classes",
      { architectures: ["BeitForSemanticSegmentation"] },
      /BeitForSemanticSegmentation is not supported/,
    ],
    ["an activation that no graph is written for", { hidden_act: "mish" }, /"mish"/],
    ["patches that are not square", { patch_size: [4, 2] }, /patches are square, not 4×2/],
    [
      "heads that do not divide the width",
      { num_attention_heads: 3 },
      /no multiple of num_attention_heads 3/,
    ],
    ["a field of the wrong type", { num_hidden_layers: "one" }, /num_hidden_layers/],
  ])("refuses %s by name", async (_what, config, message) => {
    await expect(build(config)).rejects.toThrow(message);
  });

  it("refuses positions that transformers cannot interpolate", async () => {
    const config = { image_size: [8, 12], use_absolute_position_embeddings: true };
    await expect(build(config, BEIT, { image: [16, 16] })).rejects.toThrow(
      /2×3 patches.*only those of a square/,
    );
  });
});

describe("a state dict of Hugging Face's BEiT", () => {
  it("says all by its shapes", async () => {
    const { description, inferred } = recognise(zeros(BEIT), undefined);
    expect(description).toMatchObject({
      architectures: ["BeitForImageClassification"],
      json: { num_attention_heads: 2, image_size: [8, 8], num_hidden_layers: 1, num_labels: 3 },
    });
    expect(inferred).toContainEqual({ name: "layer_norm_eps", value: "1e-12", from: "the default of beit" });
    const { model } = await buildModel(description, zeros(BEIT));
    expect(model.graph.outputs[0]?.shape?.[1]).toBe(3);
  });

  it("takes the user's word, for parameters that there are", () => {
    const { description, inferred } = recognise(zeros(BEIT), parseSpec("beit:hidden_act=gelu_new"));
    expect(description).toMatchObject({ json: { hidden_act: "gelu_new" } });
    expect(inferred.map((i) => i.name)).not.toContain("hidden_act");
    expect(() => recognise(zeros(BEIT), parseSpec("beit:window=7"))).toThrow(/no parameter window/);
  });
});
