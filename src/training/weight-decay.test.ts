import { describe, expect, it } from "vitest";
import { decays } from "./weight-decay.js";

describe("weight decay", () => {
  it.each<[string, number[]]>([
    ["blocks.0.attn.qkv.weight", [36, 12]],
    ["patch_embed.proj.weight", [12, 3, 4, 4]],
    ["vit.encoder.layer.0.attention.attention.query.weight", [12, 12]],
    ["conv_proj.weight", [12, 3, 4, 4]],
    ["encoder.layers.encoder_layer_0.self_attention.in_proj_weight", [36, 12]],
    ["layers.1.downsample.reduction.weight", [24, 48]],
    ["head.weight", [6, 12]],
  ])("pulls %s towards zero", (name, dims) => {
    expect(decays(name, dims)).toBe(true);
  });

  it.each<[string, number[]]>([
    ["blocks.0.attn.qkv.bias", [36]],
    ["blocks.0.norm1.weight", [12]],
    ["blocks.0.ls1.gamma", [12]],
    ["dinov2.encoder.layer.0.layer_scale1.lambda1", [12]],
    ["cls_token", [1, 1, 12]],
    ["dist_token", [1, 1, 12]],
    ["reg_token", [1, 4, 12]],
    ["class_token", [1, 1, 12]],
    ["pos_embed", [1, 17, 12]],
    ["absolute_pos_embed", [1, 64, 12]],
    ["encoder.pos_embedding", [1, 17, 12]],
    ["deit.embeddings.cls_token", [1, 1, 12]],
    ["deit.embeddings.distillation_token", [1, 1, 12]],
    ["dinov2_with_registers.embeddings.register_tokens", [1, 4, 12]],
    ["vit.embeddings.position_embeddings", [1, 17, 12]],
    ["layers.0.blocks.0.attn.relative_position_bias_table", [49, 2]],
    ["features.1.0.attn.relative_position_bias_table", [49, 2]],
    ["layers.0.blocks.0.attn.cpb_mlp.0.weight", [512, 2]],
    ["swinv2.encoder.layers.0.blocks.0.attention.self.continuous_position_bias_mlp.2.weight", [2, 512]],
    ["layers.0.blocks.0.attn.logit_scale", [2, 1, 1]],
  ])("leaves %s alone", (name, dims) => {
    expect(decays(name, dims)).toBe(false);
  });
});
