import { describe, expect, it } from "vitest";
import { parseSpec } from "../../spec.js";
import { buildModel, type PlanOptions, PREPROCESSING_KEY, recognise, storedTensors } from "../index.js";
import { type Shapes, tensorsOf } from "../testing/hugging-face-vit.js";
import { recogniseVit } from "./vit-recognise.js";

const DIM = 8;
const block = "encoder.layers.encoder_layer_0";

/** One block, an image of 16 × 16 in patches of 4. */
const trunk: Shapes = {
  class_token: [1, 1, DIM],
  "conv_proj.weight": [DIM, 3, 4, 4],
  "conv_proj.bias": [DIM],
  "encoder.pos_embedding": [1, 17, DIM],
  [`${block}.ln_1.weight`]: [DIM],
  [`${block}.ln_1.bias`]: [DIM],
  [`${block}.self_attention.in_proj_weight`]: [3 * DIM, DIM],
  [`${block}.self_attention.in_proj_bias`]: [3 * DIM],
  [`${block}.self_attention.out_proj.weight`]: [DIM, DIM],
  [`${block}.self_attention.out_proj.bias`]: [DIM],
  [`${block}.ln_2.weight`]: [DIM],
  [`${block}.ln_2.bias`]: [DIM],
  [`${block}.mlp.0.weight`]: [12, DIM],
  [`${block}.mlp.0.bias`]: [12],
  [`${block}.mlp.3.weight`]: [DIM, 12],
  [`${block}.mlp.3.bias`]: [DIM],
  "encoder.ln.weight": [DIM],
  "encoder.ln.bias": [DIM],
};
const shapes: Shapes = { ...trunk, "heads.head.weight": [3, DIM], "heads.head.bias": [3] };

type Changed = Readonly<Record<string, readonly number[] | undefined>>;

async function build(arch: string, changed: Changed = shapes, options: PlanOptions = {}) {
  const tensors = storedTensors(tensorsOf(changed));
  const { description, inferred } = recognise(tensors, parseSpec(arch));
  return { ...(await buildModel(description, tensors, options)), inferred };
}

const output = async (changed: Changed) =>
  (await build("vit_b_16:num_heads=2", changed)).model.graph.outputs.map(({ name, shape }) => [
    name,
    shape?.[1],
  ]);

describe("torchvision's ViT from a state dict", () => {
  it("has its sizes from the tensors and its heads from its name, and tells them", async () => {
    const found = recogniseVit(tensorsOf(shapes), parseSpec("vit_b_16:num_heads=2"));
    expect(found?.description).toMatchObject({
      architecture: "vit_b_16",
      args: {
        num_heads: 2,
        image_size: 16,
        patch_size: 4,
        num_layers: 1,
        hidden_dim: DIM,
        mlp_dim: 12,
        num_classes: 3,
      },
    });
    expect(found?.inferred.map(({ name }) => name)).not.toContain("num_heads");
    const named = recogniseVit(tensorsOf(shapes), parseSpec("vit_l_32"));
    expect(named?.inferred).toContainEqual({ name: "num_heads", value: "16", from: "vit_l_32" });
  });

  it("names layers as torchvision does", async () => {
    const { model } = await build("vit_b_16:num_heads=2");
    const scopes = new Set(model.graph.nodes.map((n) => n.scope));
    for (const scope of [
      `${block}.ln_1`,
      `${block}.self_attention`,
      `${block}.mlp.0`,
      "encoder.ln",
      "heads.head",
    ])
      expect(scopes).toContain(scope);
  });

  it("classifies with what a user put in the place of its head, and gives features where nothing is there", async () => {
    expect(await output(shapes)).toEqual([["logits", 3]]);
    expect(await output({ ...trunk, "heads.weight": [5, DIM], "heads.bias": [5] })).toEqual([["logits", 5]]);
    expect(await output({ ...trunk, "heads.1.weight": [5, DIM], "heads.1.bias": [5] })).toEqual([
      ["logits", 5],
    ]);
    expect(await output(trunk)).toEqual([["features", DIM]]);
    const two = { ...trunk, "heads.0.weight": [8, DIM], "heads.2.weight": [5, 8] };
    await expect(output(two)).rejects.toThrow(
      /2 layers \(heads\.0, heads\.2\).*does not say what is between/,
    );
  });

  it("is prepared as its weights of this size, or as its default weights, scaled", async () => {
    const preparation = async (arch: string, side: number) => {
      const { model, notes } = await build(arch, shapes, { image: [side, side] });
      const { resize, crop, mean } = JSON.parse(model.metadata.get(PREPROCESSING_KEY) ?? "");
      return {
        size: resize.size,
        how: resize.interpolation,
        crop: crop.height,
        mean: mean[0],
        notes: notes.join(),
      };
    };
    expect(await preparation("vit_b_16:num_heads=2", 224)).toMatchObject({
      size: 256,
      how: "bilinear",
      crop: 224,
    });
    expect(await preparation("vit_l_16:num_heads=2", 224)).toMatchObject({ size: 242, how: "bilinear" });
    expect(await preparation("vit_b_16:num_heads=2", 384)).toMatchObject({
      size: 384,
      how: "bicubic",
      crop: 384,
    });
    expect(await preparation("vit_b_16:num_heads=2", 64)).toMatchObject({
      size: 73,
      crop: 64,
      mean: 0.485,
      notes: expect.stringMatching(
        /for 4×4 patches were interpolated to 16×16.*default weights, scaled to this size: shorter side to 73/,
      ),
    });
  });

  it("takes the image size of --arch, and square images of whole patches only", async () => {
    const { model } = await build("vit_b_16:num_heads=2,image_size=24");
    expect(model.graph.inputs[0]?.shape?.slice(2)).toEqual([24, 24]);
    await expect(build("vit_b_16:num_heads=2", shapes, { image: [16, 24] })).rejects.toThrow(
      /square images only/,
    );
    await expect(build("vit_b_16:num_heads=2", shapes, { image: [18, 18] })).rejects.toThrow(
      /whole patches only/,
    );
  });

  it("is refused where its heads or its parts cannot be known", async () => {
    const plain = tensorsOf(shapes);
    expect(() => recognise(plain, undefined)).toThrow(
      /torchvision's VisionTransformer, which do not say how many heads it has: give --arch vit_b_16/,
    );
    await expect(build("vit_b_16")).rejects.toThrow(/hidden_dim 8 is no multiple of num_heads 12/);
    await expect(build("vit_b_16:heads=2")).rejects.toThrow(
      /no parameter heads \(there are: num_heads, image_size/,
    );
    await expect(build("vit_b_16:num_heads=two")).rejects.toThrow(
      /num_heads must be one whole number, not "two"/,
    );
    const stem = { ...shapes, "conv_proj.weight": undefined, "conv_proj.conv_last.weight": [DIM, 4, 1, 1] };
    await expect(build("vit_b_16:num_heads=2", stem)).rejects.toThrow(/convolutional stem/);
    await expect(
      build("vit_b_16:num_heads=2", { ...shapes, "encoder.pos_embedding": [1, 19, DIM] }),
    ).rejects.toThrow(/no square grid/);
    await expect(
      build("vit_b_16:num_heads=2", { ...shapes, [`${block}.mlp.0.bias`]: undefined }),
    ).rejects.toThrow(/Missing \(1\): .*mlp\.0\.bias \[12\]/);
  });

  it("is not seen in other models' tensors, nor under another library's name", () => {
    expect(recogniseVit(tensorsOf({ class_token: [1, 1, 8] }), undefined)).toBeUndefined();
    expect(recogniseVit(tensorsOf(shapes), parseSpec("vit_base_patch16_224"))).toBeUndefined();
  });
});
