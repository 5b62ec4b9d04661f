import { describe, expect, it } from "vitest";
import { ROWS } from "./architectures.generated.js";
import { pretrainedOf, splitName, timmArchitecture } from "./architectures.js";
import { readTimmConfig } from "./config.js";

describe("timm's table of architectures", () => {
  it("knows a name's class, arguments and preparation", () => {
    expect(timmArchitecture("vit_small_patch14_reg4_dinov2")).toMatchObject({
      class: "VisionTransformer",
      args: { patch_size: 14, embed_dim: 384, depth: 12, num_heads: 6, reg_tokens: 4, no_embed_class: true },
      pretrained: { tag: "lvd142m", input_size: [3, 518, 518], num_classes: 0 },
    });
  });

  it("prepares images as the tag's weights want it, or the default tag's", () => {
    const classes = (name: string) => timmArchitecture(name)?.pretrained.num_classes;
    expect(classes("vit_tiny_patch16_224")).toBe(1000);
    expect(classes("vit_tiny_patch16_224.augreg_in21k")).toBe(21843);
    expect(classes("vit_tiny_patch16_224.my_own")).toBe(1000);
  });

  it("follows names that timm has given up", () => {
    expect(splitName("vit_base_patch16_224_dino")).toEqual({
      architecture: "vit_base_patch16_224",
      tag: "dino",
    });
    expect(timmArchitecture("vit_base_patch16_224_dino")?.pretrained.mean).toEqual([0.485, 0.456, 0.406]);
  });

  it("does not know other models", () => {
    expect(timmArchitecture("resnet50")).toBeUndefined();
    expect(timmArchitecture("constructor")).toBeUndefined();
  });

  it("has a preparation for every name", () => {
    for (const name of Object.keys(ROWS)) {
      expect(timmArchitecture(name)?.pretrained.mean, name).toHaveLength(3);
    }
  });
});

describe("how images are prepared", () => {
  const read = (json: object) => readTimmConfig(json, "config.json");

  it("is what the configuration says", () => {
    const config = { architecture: "vit_tiny_patch16_224", pretrained_cfg: { mean: [0.1, 0.2, 0.3] } };
    expect(pretrainedOf(read(config))).toEqual({ pretrained: { mean: [0.1, 0.2, 0.3] } });
  });

  it("is timm's, said so, where the configuration is silent", () => {
    const { pretrained, note } = pretrainedOf(read({ architecture: "vit_tiny_patch16_224.augreg_in21k" }));
    expect(pretrained).toMatchObject({ mean: [0.5, 0.5, 0.5], crop_pct: 0.9 });
    expect(note).toMatch(/taken from timm's vit_tiny_patch16_224\.augreg_in21k/);
  });

  it("is read from the flat layout of the hub's first configurations, with its labels", () => {
    const flat = {
      architecture: "vit_tiny_patch16_224",
      input_size: [3, 64, 64],
      num_classes: 2,
      labels: ["a", "b"],
    };
    const description = read(flat);
    expect(description).toMatchObject({ classes: 2, labels: ["a", "b"], args: {} });
    expect(pretrainedOf(description).pretrained.input_size).toEqual([3, 64, 64]);
  });

  it("comes with labels by number, described where they have a description", () => {
    const named = {
      architecture: "vit_tiny_patch16_224",
      label_names: { "0": "n1", "1": "n2" },
      label_descriptions: { n2: "a bird" },
    };
    expect(read(named).labels).toEqual(["n1", "a bird"]);
    const holes = { architecture: "vit_tiny_patch16_224", label_names: { "0": "n1", "2": "n3" } };
    expect(() => read(holes)).toThrow(/2 entries, but none for class 1/);
  });
});
