import { describe, expect, it } from "vitest";
import { parseSpec } from "../../spec.js";
import { recognise } from "../index.js";
import { classifierShapes, DIM, dinov2Shapes, type Shapes, vitShapes } from "../testing/hugging-face-vit.js";
import { recogniseVit } from "./vit-recognise.js";

const tensors = (shapes: Shapes) => new Map(Object.entries(shapes).map(([name, dims]) => [name, { dims }]));

function recognised(shapes: Shapes, arch: string) {
  const found = recogniseVit(tensors(shapes), parseSpec(arch));
  if (found?.description.library !== "hugging-face") throw new Error("not recognised");
  const inferred = Object.fromEntries(found.inferred.map(({ name, value }) => [name, value]));
  return { ...found, description: found.description, inferred };
}

describe("a state dict of transformers without its config.json", () => {
  it("says all but its heads, and every value that was not stated is told", () => {
    const shapes = { ...vitShapes(), ...classifierShapes(3) };
    const { description, inferred } = recognised(shapes, "vit:num_attention_heads=2");
    expect(description).toMatchObject({
      modelType: "vit",
      architectures: ["ViTForImageClassification"],
      json: { hidden_size: 8, num_hidden_layers: 1, num_attention_heads: 2, intermediate_size: 16 },
    });
    expect(inferred).toEqual({
      hidden_size: "8",
      num_channels: "3",
      patch_size: "4×4",
      num_hidden_layers: "1",
      qkv_bias: "true",
      image_size: "16×16",
      intermediate_size: "16",
      layer_norm_eps: "1e-12",
      hidden_act: "gelu",
    });
  });

  it("is known by its tokens and norms: DeiT, DINOv2, DINOv2 with registers, trunks", () => {
    const distilled = { ...vitShapes("deit.", 2), "deit.embeddings.distillation_token": [1, 1, DIM] };
    const heads = { ...classifierShapes(3, DIM, "cls_classifier") };
    const teacher = recognised({ ...distilled, ...heads }, "deit:num_attention_heads=2").description;
    expect(teacher.architectures).toEqual(["DeiTForImageClassificationWithTeacher"]);
    expect(teacher.json.image_size).toEqual([16, 16]);
    const dinov2 = recognised(dinov2Shapes(""), "dinov2:num_attention_heads=2").description;
    expect(dinov2).toMatchObject({
      architectures: ["Dinov2Model"],
      json: { mlp_ratio: 2, use_swiglu_ffn: false },
    });
    const registers = { ...dinov2Shapes(""), "embeddings.register_tokens": [1, 3, DIM] };
    const found = recognised(registers, "dinov2_with_registers:num_attention_heads=2").description;
    expect(found.json.num_register_tokens).toBe(3);
  });

  it("takes what its user says over what shapes suggest", () => {
    const { description, inferred } = recognised(
      vitShapes(""),
      "vit:num_attention_heads=2,image_size=8x32,hidden_act=quick_gelu,layer_norm_eps=1e-6",
    );
    expect(description.json).toMatchObject({
      image_size: [8, 32],
      hidden_act: "quick_gelu",
      layer_norm_eps: 1e-6,
    });
    expect(inferred).not.toHaveProperty("hidden_act");
    expect(recognised(vitShapes(""), "vit_msn:num_attention_heads=2").inferred.layer_norm_eps).toBe(
      "0.000001",
    );
  });

  it("needs the number of heads, but for the width that transformers' default is for", () => {
    const message = /do not say how many attention heads it has: give --arch vit:num_attention_heads=N/;
    expect(() => recognise(tensors(vitShapes()), undefined)).toThrow(message);
    expect(() => recognise(tensors(vitShapes()), parseSpec("vit"))).toThrow(message);
    const wide = Object.fromEntries(
      Object.entries(vitShapes()).map(([name, dims]) => [name, dims.map((d) => (d === DIM ? 768 : d))]),
    );
    const { description, inferred } = recognised(wide, "vit");
    expect(description.json.num_attention_heads).toBe(12);
    expect(inferred.num_attention_heads).toBe("12");
  });

  it("needs the image size where positions are on no square grid", () => {
    const wide = { ...vitShapes(), "vit.embeddings.position_embeddings": [1, 21, DIM] };
    expect(() => recognised(wide, "vit:num_attention_heads=2")).toThrow(/give --arch vit:image_size=HxW/);
    expect(
      recognised(wide, "vit:num_attention_heads=2,image_size=16x20").description.json.image_size,
    ).toEqual([16, 20]);
  });

  it("is refused under another type's name, and for parameters that there are not", () => {
    expect(() => recognised(vitShapes(), "dinov2:num_attention_heads=2")).toThrow(
      /of Hugging Face's vit, not of dinov2: give --arch vit/,
    );
    expect(() => recognised(vitShapes(), "vit:num_heads=2")).toThrow(
      /there is no parameter num_heads \(there are: num_attention_heads, image_size/,
    );
  });

  it("is not seen in other models' tensors", () => {
    const others: readonly Shapes[] = [
      { cls_token: [1, 1, 8], "patch_embed.proj.weight": [8, 3, 4, 4] },
      { ...vitShapes(""), "encoder.layer.0.lambda_1": [DIM] },
      { ...vitShapes("vit."), "vit.embeddings.detection_tokens": [1, 100, DIM] },
      { "embeddings.patch_embeddings.projection.weight": [8, 3, 4, 4], "encoder.layers.0.blocks.0.x": [1] },
    ];
    for (const shapes of others) expect(recogniseVit(tensors(shapes), undefined)).toBeUndefined();
    expect(recogniseVit(tensors(vitShapes()), parseSpec("vit_b_16"))).toBeUndefined();
  });
});
