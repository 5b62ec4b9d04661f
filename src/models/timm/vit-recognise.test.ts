import { describe, expect, it } from "vitest";
import { parseSpec } from "../../spec.js";
import type { TensorShapes } from "../stored-tensor.js";
import { vitArguments } from "./vit-arguments.js";
import { recogniseVit } from "./vit-recognise.js";

const DIM = 24;

const shapes = (changed: Readonly<Record<string, readonly number[] | undefined>> = {}): TensorShapes => {
  const block = (i: number): readonly (readonly [string, readonly number[]])[] => [
    [`blocks.${i}.norm1.weight`, [DIM]],
    [`blocks.${i}.attn.qkv.weight`, [3 * DIM, DIM]],
    [`blocks.${i}.attn.qkv.bias`, [3 * DIM]],
    [`blocks.${i}.attn.proj.weight`, [DIM, DIM]],
    [`blocks.${i}.attn.proj.bias`, [DIM]],
    [`blocks.${i}.norm2.weight`, [DIM]],
    [`blocks.${i}.mlp.fc1.weight`, [4 * DIM, DIM]],
    [`blocks.${i}.mlp.fc2.weight`, [DIM, 4 * DIM]],
  ];
  const all = {
    cls_token: [1, 1, DIM],
    pos_embed: [1, 17, DIM],
    "patch_embed.proj.weight": [DIM, 3, 8, 8],
    ...Object.fromEntries([...block(0), ...block(1)]),
    "norm.weight": [DIM],
    "head.weight": [5, DIM],
    ...changed,
  };
  return new Map(Object.entries(all).flatMap(([name, dims]) => (dims ? [[name, { dims }] as const] : [])));
};

const recognised = (arch: string, changed = {}) => {
  const found = recogniseVit(shapes(changed), parseSpec(arch));
  if (found?.description.library !== "timm") throw new Error("not recognised");
  const from = new Map(
    found.inferred.map(({ name, value, from: where }) => [name, `${value} from ${where}`]),
  );
  return { description: found.description, args: vitArguments(found.description), from };
};

describe("a state dict with timm's names", () => {
  it("has its sizes from its shapes and its heads from the name", () => {
    const { args, from } = recognised("vit_tiny_patch16_224");
    expect(args).toMatchObject({
      embed_dim: DIM,
      depth: 2,
      num_heads: 3,
      patch_size: [8, 8],
      img_size: [32, 32],
      num_classes: 5,
    });
    expect(from.get("num_heads")).toBe("3 from vit_tiny_patch16_224");
    expect(from.get("img_size")).toBe("32 from the shape of pos_embed");
    expect(from.get("depth")).toBe("2 from the number of blocks");
  });

  it("lists nothing that the user stated", () => {
    const { args, from } = recognised("vit_tiny_patch16_224:num_heads=6,img_size=16x64");
    expect(args).toMatchObject({ num_heads: 6, img_size: [16, 64] });
    expect([from.has("num_heads"), from.has("img_size")]).toEqual([false, false]);
  });

  it("has as many heads as the norms on queries say", () => {
    const { args } = recognised("vit_tiny_patch16_224", { "blocks.0.attn.q_norm.weight": [4] });
    expect(args).toMatchObject({ num_heads: 6, qk_norm: true });
  });

  it("is distilled if it has the token, whatever its name", () => {
    const distilled = { dist_token: [1, 1, DIM], pos_embed: [1, 18, DIM] };
    const { description, args } = recognised("deit_tiny_patch16_224", distilled);
    expect(description.architecture).toMatch(/distilled/);
    expect(args).toMatchObject({ img_size: [32, 32], num_heads: 3 });
    expect(recognised("deit_tiny_distilled_patch16_224").description.architecture).not.toMatch(/distilled/);
  });

  it("tells positions of patches only from those of all tokens", () => {
    const patchesOnly = { reg_token: [1, 4, DIM], pos_embed: [1, 16, DIM] };
    expect(recognised("vit_tiny_patch16_224", patchesOnly).args).toMatchObject({
      reg_tokens: 4,
      no_embed_class: true,
    });
    const all = { reg_token: [1, 4, DIM], pos_embed: [1, 21, DIM] };
    expect(recognised("vit_tiny_patch16_224", all).args.no_embed_class).toBe(false);
  });

  it("reads the official DINOv2's registers and gates", () => {
    const official = {
      register_tokens: [1, 4, DIM],
      mask_token: [1, DIM],
      "blocks.0.mlp.fc1.weight": undefined,
      "blocks.0.mlp.fc2.weight": undefined,
      "blocks.0.mlp.w12.weight": [128, DIM],
      "blocks.0.mlp.w3.weight": [DIM, 64],
      "blocks.0.ls1.gamma": [DIM],
      "head.weight": undefined,
    };
    const { args } = recognised("vit_giant_patch14_reg4_dinov2:num_heads=3", official);
    expect(args).toMatchObject({
      mlp_layer: "SwiGLUPacked",
      act_layer: "silu",
      num_classes: 0,
      reg_tokens: 4,
    });
    expect(args.init_values).toBeGreaterThan(0);
    expect(Math.trunc(DIM * args.mlp_ratio)).toBe(128);
  });

  it("gives any number of hidden features back", () => {
    for (let hidden = 1; hidden < 200; hidden++) {
      const mlp = { "blocks.0.mlp.fc1.weight": [hidden, DIM], "blocks.0.mlp.fc2.weight": [DIM, hidden] };
      expect(Math.trunc(DIM * recognised("vit_tiny_patch16_224", mlp).args.mlp_ratio)).toBe(hidden);
    }
  });

  it("needs a name", () => {
    expect(() => recogniseVit(shapes(), undefined)).toThrow(/number of heads.*Give --arch/s);
    expect(() => recogniseVit(shapes(), parseSpec("vit_mini"))).toThrow(
      /"vit_mini" is not one of timm's names/,
    );
    const tiny = new Map([...shapes()]);
    tiny.set("patch_embed.proj.weight", { dims: [192, 3, 16, 16] });
    for (let i = 0; i < 12; i++) tiny.set(`blocks.${i}.norm1.weight`, { dims: [192] });
    expect(() => recogniseVit(tiny, undefined)).toThrow(/--arch (deit|vit)_tiny_patch16_224/);
  });

  it("needs the image size where positions are no square, even if with the class token they were", () => {
    const wide = { pos_embed: [1, 25, DIM] };
    expect(() => recognised("vit_tiny_patch16_224", wide)).toThrow(
      /24 or 25 are for patches.*img_size=32x48/,
    );
    expect(recognised("vit_tiny_patch16_224:no_embed_class=true", wide).args.img_size).toEqual([40, 40]);
    expect(recognised("vit_tiny_patch16_224:img_size=32x48", wide).args.img_size).toEqual([32, 48]);
  });

  it("is left to others when it is theirs", () => {
    expect(recogniseVit(new Map(), undefined)).toBeUndefined();
    expect(recogniseVit(shapes({ "blocks.0.attn.q_bias": [DIM] }), undefined)).toBeUndefined();
    expect(recogniseVit(shapes({ pos_embed: undefined }), undefined)).toBeUndefined();
    expect(recogniseVit(shapes(), parseSpec("eva02_tiny_patch14_224"))).toBeUndefined();
  });
});
