import { describe, expect, it } from "vitest";
import { configured, freshWeights } from "../../models/hugging-face/translate/index.js";
import { checkedPlan } from "../../models/index.js";
import { localSizeOf } from "./local-size.js";

const size = (type: "vit" | "swin" | "swinv2" | "dinov2", fields: Readonly<Record<string, unknown>>) => {
  const small = type.startsWith("swin") ? { embed_dim: 12 } : { hidden_size: 12, num_attention_heads: 3 };
  const description = configured(type, { ...small, num_hidden_layers: 1, ...fields }, ["a"]);
  return localSizeOf(checkedPlan(description, freshWeights(description, 0), {}));
};

describe("the size of small crops", () => {
  it("is the published 96 pixels for 224, in whole patches", () => {
    expect(size("vit", {})).toEqual([96, 96]);
    expect(size("vit", { image_size: 384 })).toEqual([160, 160]);
    expect(size("dinov2", { image_size: 224, patch_size: 14 })).toEqual([98, 98]);
    expect(size("vit", { image_size: [224, 448] })).toEqual([96, 192]);
    expect(size("vit", { image_size: 32, patch_size: 32 })).toEqual([32, 32]);
  });

  it("is of whole tokens in all stages of a Swin, and no smaller than its windows in any", () => {
    expect(size("swin", { image_size: 256, window_size: 2 })).toEqual([96, 96]);
    expect(size("swin", { image_size: 256, window_size: 4 })).toEqual([128, 128]);
    expect(size("swin", {})).toEqual([224, 224]);
    expect(size("swinv2", { image_size: 256, window_size: 8 })).toEqual([96, 96]);
  });

  it("has to be said where nothing is known of the patches", () => {
    expect(() => localSizeOf({ input: [3, 224, 224], classes: 0, write: () => "" })).toThrow(
      /say how large the small crops are/,
    );
  });
});
