import { describe, expect, it } from "vitest";
import { parseSpec } from "../../spec.js";
import { readHead } from "../head.js";
import { buildModel, readConfig, recognise } from "../index.js";
import { type Shapes, zeros } from "../testing/zeros.js";

/** timm's beit_base_patch16_224 of one block, 8 wide, with 2 heads on a grid of 2 × 2. */
const BEIT: Shapes = {
  cls_token: [1, 1, 8],
  "patch_embed.proj.weight": [8, 3, 4, 4],
  "patch_embed.proj.bias": [8],
  "blocks.0.norm1.weight": [8],
  "blocks.0.norm1.bias": [8],
  "blocks.0.attn.qkv.weight": [24, 8],
  "blocks.0.attn.q_bias": [8],
  "blocks.0.attn.v_bias": [8],
  "blocks.0.attn.relative_position_bias_table": [12, 2],
  "blocks.0.attn.relative_position_index": [5, 5],
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
  "fc_norm.weight": [8],
  "fc_norm.bias": [8],
  "head.weight": [3, 8],
  "head.bias": [3],
};

const NAME = "beit_base_patch16_224";
const ARGS = { embed_dim: 8, depth: 1, num_heads: 2, mlp_ratio: 2, patch_size: 4, img_size: 8 };

const build = (shapes: Shapes, args: object = {}, image?: readonly [number, number]) =>
  buildModel(
    readConfig({ architecture: NAME, num_classes: 3, model_args: { ...ARGS, ...args }, pretrained_cfg: {} }),
    zeros(shapes),
    { image },
  );

describe("timm's BEiT", () => {
  it("is built, its index of relative positions left aside", async () => {
    const { model, notes } = await build(BEIT);
    expect(model.graph.outputs.map((o) => o.name)).toEqual(["logits"]);
    expect(notes.join()).not.toContain("interpolated");
  });

  it("says when relative positions are interpolated", async () => {
    const { notes } = await build(BEIT, {}, [12, 8]);
    expect(notes).toContain("Relative positions of 2×2 patches were interpolated to 3×2.");
  });

  it("takes a classifier of the user's in the place of its own", async () => {
    const head = readHead(zeros({ weight: [5, 8], bias: [5] }), "probe.pth");
    const { model } = await buildModel(
      readConfig({ architecture: NAME, num_classes: 3, model_args: ARGS, pretrained_cfg: {} }),
      zeros(BEIT),
      { head },
    );
    expect(model.graph.outputs[0]?.shape?.[1]).toBe(5);
  });

  it("lists what is missing and what has another shape", async () => {
    const changed = {
      "blocks.0.attn.v_bias": undefined,
      "blocks.0.attn.relative_position_bias_table": [11, 2],
    };
    await expect(build({ ...BEIT, ...changed })).rejects.toThrow(
      /Missing \(1\): blocks\.0\.attn\.v_bias \[8\]\. Of another shape \(1\): blocks\.0\.attn\.relative_position_bias_table is \[11, 2\], not \[12, 2\]/,
    );
  });

  it.each([
    ["an argument that the class does not have", { qk_norm: true }, /qk_norm/],
    ["a pooling that it does not know", { global_pool: "max" }, /global_pool "max"/],
    ["heads that do not divide the width", { num_heads: 3 }, /no multiple of num_heads 3/],
    ["patches larger than the image", { patch_size: 16 }, /exceed images of 8×8/],
  ])("refuses %s by name", async (_what, args, message) => {
    await expect(build(BEIT, args)).rejects.toThrow(message);
  });
});

describe("a state dict of timm's BEiT", () => {
  it("says all by its shapes", async () => {
    const { description, inferred } = recognise(zeros(BEIT), undefined);
    expect(description).toMatchObject({
      architecture: NAME,
      args: {
        num_heads: 2,
        img_size: [8, 8],
        use_rel_pos_bias: true,
        use_abs_pos_emb: false,
        global_pool: "avg",
      },
    });
    expect(inferred.map((i) => i.name)).toContain("img_size");
    const { model } = await buildModel(description, zeros(BEIT));
    expect(model.graph.inputs[0]?.shape?.slice(1)).toEqual([3, 8, 8]);
  });

  it("of a grid that is not square asks for the image size", () => {
    const wide = { ...BEIT, "blocks.0.attn.relative_position_bias_table": [3 * 7 + 3, 2] };
    expect(() => recognise(zeros(wide), undefined)).toThrow(/--arch beit_base_patch16_224:img_size=HxW/);
    const { description } = recognise(zeros(wide), parseSpec(`${NAME}:img_size=8x16`));
    expect(description).toMatchObject({ args: { img_size: [8, 16] } });
  });

  it("is not another architecture's", () => {
    expect(() => recognise(zeros(BEIT), parseSpec("vit_tiny_patch16_224"))).toThrow(/timm's BEiT/);
  });
});
