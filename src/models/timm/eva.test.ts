import { describe, expect, it } from "vitest";
import { parseSpec } from "../../spec.js";
import { readHead } from "../head.js";
import { buildModel, readConfig, recognise } from "../index.js";
import { type Shapes, zeros } from "../testing/zeros.js";

/** timm's vit_small_patch16_dinov3 of one block, 8 wide, with 1 head. */
const DINOV3: Shapes = {
  cls_token: [1, 1, 8],
  reg_token: [1, 4, 8],
  "patch_embed.proj.weight": [8, 3, 4, 4],
  "patch_embed.proj.bias": [8],
  "blocks.0.norm1.weight": [8],
  "blocks.0.norm1.bias": [8],
  "blocks.0.attn.qkv.weight": [24, 8],
  "blocks.0.attn.proj.weight": [8, 8],
  "blocks.0.attn.proj.bias": [8],
  "blocks.0.gamma_1": [8],
  "blocks.0.norm2.weight": [8],
  "blocks.0.norm2.bias": [8],
  "blocks.0.mlp.fc1.weight": [16, 8],
  "blocks.0.mlp.fc1.bias": [16],
  "blocks.0.mlp.fc2.weight": [8, 16],
  "blocks.0.mlp.fc2.bias": [8],
  "blocks.0.gamma_2": [8],
  "norm.weight": [8],
  "norm.bias": [8],
  "head.weight": [3, 8],
  "head.bias": [3],
};

const NAME = "vit_small_patch16_dinov3";
const ARGS = { embed_dim: 8, depth: 1, num_heads: 1, mlp_ratio: 2, patch_size: 4, img_size: 8 };

const build = (shapes: Shapes, args: object = {}, architecture = NAME, image?: readonly [number, number]) =>
  buildModel(
    readConfig({ architecture, num_classes: 3, model_args: { ...ARGS, ...args }, pretrained_cfg: {} }),
    zeros(shapes),
    { image },
  );

describe("timm's Eva", () => {
  it("is built from the name's arguments and the configuration's", async () => {
    const { model } = await build(DINOV3);
    expect(model.graph.inputs[0]?.shape?.slice(1)).toEqual([3, 8, 8]);
    expect(model.graph.outputs.map((o) => o.name)).toEqual(["logits"]);
  });

  it("makes rotary positions for any size of whole patches", async () => {
    const { model } = await build(DINOV3, {}, NAME, [12, 8]);
    expect(model.graph.inputs[0]?.shape?.slice(1)).toEqual([3, 12, 8]);
    await expect(build(DINOV3, {}, NAME, [10, 8])).rejects.toThrow(/10×8 are no whole patches of 4×4/);
  });

  it("takes a classifier of the user's in the place of its own", async () => {
    const config = { architecture: NAME, num_classes: 3, model_args: ARGS, pretrained_cfg: {} };
    for (const width of [8, 16]) {
      const head = readHead(zeros({ weight: [5, width], bias: [5] }), "probe.pth");
      const { model } = await buildModel(readConfig(config), zeros(DINOV3), { head });
      expect(model.graph.outputs[0]?.shape?.[1]).toBe(5);
    }
  });

  it("misses what the configuration promises, biases too, and wants nothing else", async () => {
    const changed = { ...DINOV3, "blocks.0.norm1.bias": undefined, "blocks.0.mlp.fc2.bias": undefined };
    await expect(build({ ...changed, "blocks.0.attn.q_bias": [8] })).rejects.toThrow(
      /Missing \(2\): blocks\.0\.norm1\.bias \[8\], blocks\.0\.mlp\.fc2\.bias \[8\]\. Not expected \(1\): blocks\.0\.attn\.q_bias/,
    );
    await expect(build(DINOV3, { qkv_bias: true })).rejects.toThrow(
      /Missing \(2\): blocks\.0\.attn\.q_bias \[8\], blocks\.0\.attn\.v_bias \[8\]/,
    );
  });

  it.each([
    ["an argument that the class does not have", { window_size: 7 }, /window_size/],
    ["a kind of rotary embedding it does not know", { rope_type: "mrope" }, /rope_type "mrope"/],
    ["grouped queries", { num_kv_heads: 1, num_heads: 2 }, /num_kv_heads/],
    ["norms behind attention and MLP", { use_post_norm: true }, /use_post_norm/],
    ["attention pooling", { global_pool: "map" }, /global_pool "map"/],
    ["another norm", { norm_layer: "RmsNorm:eps=1e-06" }, /norm_layer RmsNorm/],
    ["heads that rotary positions do not fit", { num_heads: 4 }, /multiple of 4 features, not 2/],
    ["heads that do not divide the width", { num_heads: 3 }, /no multiple of num_heads 3/],
    [
      "a class token asked for and switched off",
      { class_token: false, global_pool: "token" },
      /needs class_token/,
    ],
  ])("refuses %s by name", async (_what, args, message) => {
    await expect(build(DINOV3, args)).rejects.toThrow(message);
  });
});

describe("a state dict of timm's Eva", () => {
  const found = (shapes: Shapes, arch?: string) =>
    recognise(zeros(shapes), arch === undefined ? undefined : parseSpec(arch));

  it("needs the architecture's name, since tensors do not show rotary positions", () => {
    expect(() => found(DINOV3)).toThrow(/timm's Eva \(width 8\).*--arch vit_small_patch16_dinov3/);
    expect(() => found(DINOV3, "vit_tiny_patch16_224")).toThrow(
      /"vit_tiny_patch16_224" is none of its names/,
    );
  });

  it("takes shapes from its tensors, the rest from the name, and the user's word over both", async () => {
    const { description, inferred } = found(DINOV3, `${NAME}:num_heads=2,img_size=8x12`);
    expect(description).toMatchObject({
      library: "timm",
      architecture: NAME,
      args: {
        embed_dim: 8,
        depth: 1,
        patch_size: [4, 4],
        mlp_ratio: 2,
        num_reg_tokens: 4,
        num_heads: 2,
        img_size: [8, 12],
      },
    });
    const names = inferred.map((i) => i.name);
    expect(names).toContain("embed_dim");
    expect(names).not.toContain("num_heads");
    expect(inferred).toContainEqual({ name: "rope_type", value: "dinov3", from: NAME });
    const whole = found(DINOV3, `${NAME}:num_heads=1,img_size=8`);
    const { model } = await buildModel(whole.description, zeros(DINOV3));
    expect(model.graph.outputs[0]?.shape?.[1]).toBe(3);
  });

  it("of Meta's own DINOv3 is known by its names, its heads by the rotary periods", async () => {
    const renamed = Object.entries(DINOV3)
      .filter(([name]) => !name.startsWith("head."))
      .map(([name, dims]): [string, readonly number[] | undefined] => [
        name.replace("reg_token", "storage_tokens").replace(/gamma_(\d)/, "ls$1.gamma"),
        dims,
      ]);
    const meta: Shapes = {
      ...Object.fromEntries(renamed),
      "blocks.0.attn.qkv.bias": [24],
      "blocks.0.attn.qkv.bias_mask": [24],
      "rope_embed.periods": [2],
      mask_token: [1, 8],
    };
    const { description, inferred } = found(meta);
    expect(inferred).toContainEqual({
      name: "num_heads",
      value: "1",
      from: "the shape of rope_embed.periods",
    });
    const { model } = await buildModel(description, zeros(meta), { image: [8, 8] });
    expect(model.graph.outputs.map((o) => o.name)).toEqual(["features"]);
  });
});
