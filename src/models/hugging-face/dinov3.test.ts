import { describe, expect, it } from "vitest";
import { parseSpec } from "../../spec.js";
import { buildModel, readConfig, recognise } from "../index.js";
import { type Shapes, zeros } from "../testing/zeros.js";

const CONFIG = {
  model_type: "dinov3_vit",
  architectures: ["DINOv3ViTModel"],
  hidden_size: 8,
  num_hidden_layers: 1,
  num_attention_heads: 1,
  intermediate_size: 16,
  image_size: 8,
  patch_size: 4,
  num_register_tokens: 2,
};

/** As transformers saves it; in memory, version 5 has "model.layer.0". */
const DINOV3: Shapes = {
  "embeddings.cls_token": [1, 1, 8],
  "embeddings.mask_token": [1, 1, 8],
  "embeddings.register_tokens": [1, 2, 8],
  "embeddings.patch_embeddings.weight": [8, 3, 4, 4],
  "embeddings.patch_embeddings.bias": [8],
  "layer.0.norm1.weight": [8],
  "layer.0.norm1.bias": [8],
  "layer.0.attention.q_proj.weight": [8, 8],
  "layer.0.attention.q_proj.bias": [8],
  "layer.0.attention.k_proj.weight": [8, 8],
  "layer.0.attention.v_proj.weight": [8, 8],
  "layer.0.attention.v_proj.bias": [8],
  "layer.0.attention.o_proj.weight": [8, 8],
  "layer.0.attention.o_proj.bias": [8],
  "layer.0.layer_scale1.lambda1": [8],
  "layer.0.norm2.weight": [8],
  "layer.0.norm2.bias": [8],
  "layer.0.mlp.up_proj.weight": [16, 8],
  "layer.0.mlp.up_proj.bias": [16],
  "layer.0.mlp.down_proj.weight": [8, 16],
  "layer.0.mlp.down_proj.bias": [8],
  "layer.0.layer_scale2.lambda1": [8],
  "norm.weight": [8],
  "norm.bias": [8],
};

const build = (config: object, shapes: Shapes = DINOV3, options = {}) =>
  buildModel(readConfig({ ...CONFIG, ...config }), zeros(shapes), options);

describe("Hugging Face's DINOv3", () => {
  it("gives features, since transformers has no classifier for it", async () => {
    const { model } = await build({});
    expect(model.graph.outputs.map((o) => o.name)).toEqual(["features"]);
  });

  it("makes rotary positions for any image size", async () => {
    const { model } = await build({}, DINOV3, { prepared: [12, 16] });
    expect(model.graph.inputs[0]?.shape?.slice(2)).toEqual([12, 16]);
    await expect(build({}, DINOV3, { image: [2, 8] })).rejects.toThrow(/2×8 are smaller than a patch/);
  });

  it("has biases where the configuration says so", async () => {
    const { "layer.0.attention.q_proj.bias": _query, ...rest } = DINOV3;
    await expect(build({ query_bias: false }, rest)).resolves.toBeDefined();
    await expect(build({ key_bias: true })).rejects.toThrow(
      /Missing \(1\): layer\.0\.attention\.k_proj\.bias/,
    );
    await expect(build({ query_bias: false })).rejects.toThrow(
      /Not expected \(1\): layer\.0\.attention\.q_proj\.bias/,
    );
  });

  it.each([
    [
      "a class that it does not know",
      { architectures: ["DINOv3ViTForDetection"] },
      /DINOv3ViTForDetection is not/,
    ],
    ["heads that rotary positions do not fit", { num_attention_heads: 4 }, /multiple of 4/],
    ["quantised weights", { quantization_config: { bits: 4 } }, /quantization_config/],
  ])("refuses %s by name", async (_what, config, message) => {
    await expect(build(config)).rejects.toThrow(message);
  });
});

describe("a state dict of Hugging Face's DINOv3", () => {
  it("needs to be told the number of heads", () => {
    expect(() => recognise(zeros(DINOV3), undefined)).toThrow(/--arch dinov3_vit:num_attention_heads=N/);
    expect(() => recognise(zeros(DINOV3), parseSpec("vit"))).toThrow(/not of vit: give --arch dinov3_vit/);
  });

  it("says the rest by its names and shapes", async () => {
    const { description } = recognise(
      zeros(DINOV3),
      parseSpec("dinov3_vit:num_attention_heads=2,image_size=8x12"),
    );
    expect(description).toMatchObject({
      json: {
        num_register_tokens: 2,
        key_bias: false,
        query_bias: true,
        use_gated_mlp: false,
        image_size: [8, 12],
      },
    });
    const { model } = await buildModel(description, zeros(DINOV3));
    expect(model.graph.inputs[0]?.shape?.slice(2)).toEqual([8, 12]);
  });
});
