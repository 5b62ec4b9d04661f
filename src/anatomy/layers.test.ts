import { describe, expect, it } from "vitest";
import type { Anatomy, Layer } from "./anatomy.js";
import { findLayer } from "./layers.js";

function layer(name: string, more: Partial<Layer> = {}): Layer {
  return { name, tensor: `t/${name}`, layout: "tokens", prefixTokens: 1, grid: [4, 4], ...more };
}

function anatomy(blocks: readonly string[], more: readonly Layer[] = []): Anatomy {
  return {
    family: "vit",
    input: { name: "x", layout: "NCHW", channels: 3, dtype: "float32", preprocessing: "outside" },
    output: { name: "y", kind: "logits", classes: 5, logits: "y" },
    image: [32, 32],
    grid: [4, 4],
    prefixTokens: 1,
    suffixTokens: 0,
    head: "token",
    headTokens: [0],
    blocks: blocks.map((name) => ({
      name,
      attention: `${name}.a`,
      attentionLayout: "BHNN",
      heads: 2,
      tokens: 17,
    })),
    layers: [...blocks.flatMap((b) => [layer(`${b}.norm1`), layer(`${b}.norm2`), layer(b)]), ...more],
    notes: [],
    why: [],
  };
}

const VIT = anatomy(
  Array.from({ length: 12 }, (_, i) => `blocks.${i}`),
  [
    layer("norm", { unusable: "the gradient is exactly 0 here" }),
    layer("patch_embed"),
    layer("odd", { aliases: ["m.neck"] }),
  ],
);
const SWIN = anatomy(["layers.0.blocks.0", "layers.0.blocks.1", "layers.1.blocks.0"]);

describe("a layer is found by", () => {
  it.each([
    ["blocks.11.norm1", "blocks.11.norm1"],
    ["blocks[11].norm1", "blocks.11.norm1"],
    ["blocks[-1].norm1", "blocks.11.norm1"],
    ["model.blocks.3.norm2", "blocks.3.norm2"],
    ["blocks.-2", "blocks.10"],
    ["encoder.layer.11.layernorm_before", "blocks.11.norm1"],
    ["vit.encoder.layer.11.layernorm_before", "blocks.11.norm1"],
    ["vit.layers.2.layernorm_after", "blocks.2.norm2"],
    ["dinov2.encoder.layer.4.norm1", "blocks.4.norm1"],
    ["encoder.layers.encoder_layer_7.ln_1", "blocks.7.norm1"],
    ["encoder.layers.encoder_layer_7", "blocks.7"],
    ["/blocks/blocks.5/norm1", "blocks.5.norm1"],
    ["vit.layernorm", "norm"],
    ["encoder.ln", "norm"],
    ["vit.embeddings.patch_embeddings", "patch_embed"],
    ["m.neck", "odd"],
    ["t/blocks.0", "blocks.0"],
  ])("%s in a ViT", (name, found) => {
    expect(findLayer(VIT, name).name).toBe(found);
  });

  it.each([
    ["layers.1.blocks.0.norm1", "layers.1.blocks.0.norm1"],
    ["layers[-1].blocks[-1].norm1", "layers.1.blocks.0.norm1"],
    ["layers.0.blocks[-1].norm2", "layers.0.blocks.1.norm2"],
    ["swin.encoder.layers.0.blocks.1.layernorm_before", "layers.0.blocks.1.norm1"],
    ["features.3.0.norm1", "layers.1.blocks.0.norm1"],
    ["features[1][1].norm2", "layers.0.blocks.1.norm2"],
  ])("%s in a Swin", (name, found) => {
    expect(findLayer(SWIN, name).name).toBe(found);
  });
});

describe("a layer that is not there", () => {
  it("is answered with the usable ones", () => {
    expect(() => findLayer(VIT, "blocks.12.norm1")).toThrow(/no layer "blocks.12.norm1".*blocks.11.norm1/s);
    expect(() => findLayer(VIT, "blocks.12.norm1")).not.toThrow(/ norm[,.]/);
  });

  it("is answered plainly where none was recognised", () => {
    expect(() => findLayer({ ...VIT, layers: [] }, "norm")).toThrow(/No layer of this model was recognised/);
  });
});
