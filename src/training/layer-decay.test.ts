import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { openTensors } from "../models/node/tensors.js";
import { depthsOf, frozenButLast, frozenTrunk, layerRate } from "./layer-decay.js";

const FIXTURES = fileURLToPath(new URL("../../test/fixtures/checkpoints", import.meta.url));

async function namesOf(name: string): Promise<string[]> {
  const folder = `${FIXTURES}/${name}/checkpoint`;
  const file = readdirSync(folder).find((entry) => /\.(pth|pth\.tar)$/.test(entry));
  const { tensors, close } = await openTensors(file === undefined ? folder : `${folder}/${file}`);
  await close();
  return [...tensors.keys()];
}

const VITS = [
  "timm-vit-tiny-patch16-224-class-token",
  "timm-deit-tiny-distilled-patch16-224-two-heads",
  "timm-beit-base-patch16-224-relative-positions",
  "timm-vit-base-patch16-clip-quickgelu-224-pre-norm-quick-gelu",
  "timm-vit-small-patch16-dinov3-rotary",
  "torchvision-vit-b-16-pth",
  "transformers-vitforimageclassification-plain",
  "transformers-deitforimageclassificationwithteacher-two-heads",
  "transformers-dinov2withregistersforimageclassification-class-token-and-mean",
  "transformers-beitforimageclassification-a-bias-in-each-layer",
  "transformers-dinov3vitmodel-no-classifier",
];
const SWINS = [
  "timm-swin-tiny-patch4-window7-224-new-names",
  "timm-swin-tiny-patch4-window7-224-old-names-in-pth",
  "torchvision-swin-t-pth-tar-with-module",
  "transformers-swinforimageclassification-plain",
  "transformers-swinv2forimageclassification-bfloat16-pretrained-windows",
];

/** What is outside of blocks, by depth. */
const HEAD =
  /^(?!patch_embed)(\w+\.)?(norm|ln|layernorm|fc_norm|pooler\.layernorm|encoder\.ln)\.|(^|\.)(head|heads|head_dist|\w*classifier)\./;

describe("depths of a vision transformer", () => {
  it.each(VITS)("of %s count its blocks between embeddings and head", async (name) => {
    const names = await namesOf(name);
    const { blocks, depthOf } = depthsOf(names);
    expect(blocks).toBe(2);
    for (const tensor of names) {
      const block = tensor.match(/(?:blocks\.|layers?\.|encoder_layer_)(\d+)\./);
      const expected = block ? Number(block[1]) + 1 : HEAD.test(tensor) ? 3 : 0;
      expect(depthOf(tensor), tensor).toBe(expected);
    }
    expect(new Set(names.map(depthOf))).toEqual(new Set([0, 1, 2, 3]));
  });
});

describe("depths of a Swin", () => {
  it.each(SWINS)("of %s count blocks through its stages", async (name) => {
    const names = await namesOf(name);
    const { blocks, depthOf } = depthsOf(names);
    expect(blocks).toBe(4);
    for (const tensor of names) {
      const timm = tensor.match(/layers\.(\d)\.blocks\.(\d)\./);
      const torchvision = tensor.match(/features\.([13])\.(\d)\./);
      const [stage, block] = timm
        ? [Number(timm[1]), Number(timm[2])]
        : [(Number(torchvision?.[1]) - 1) / 2, Number(torchvision?.[2])];
      const merging = /downsample|features\.2\./.test(tensor);
      const expected = merging ? 3 : HEAD.test(tensor) ? 5 : timm || torchvision ? 2 * stage + block + 1 : 0;
      expect(depthOf(tensor), tensor).toBe(expected);
    }
    expect(new Set(names.map(depthOf))).toEqual(new Set([0, 1, 2, 3, 4, 5]));
  });
});

describe("what depths are for", () => {
  const depths = depthsOf(["cls_token", "blocks.0.norm1.weight", "blocks.1.norm1.weight", "head.weight"]);

  it("learning rates shrink away from the head", () => {
    const rate = (name: string) => layerRate(0.5, depths.depthOf(name), depths.blocks);
    expect([rate("head.weight"), rate("blocks.1.x"), rate("blocks.0.x"), rate("cls_token")]).toEqual([
      1, 0.5, 0.25, 0.125,
    ]);
  });

  it("a linear probe freezes all but the head", () => {
    const frozen = frozenTrunk(depths);
    expect(["cls_token", "blocks.1.norm1.weight", "head.weight"].map(frozen)).toEqual([true, true, false]);
  });

  it("the last blocks are left to train, with what is behind them", () => {
    const frozen = frozenButLast(depths, 1);
    expect(
      ["cls_token", "blocks.0.norm1.weight", "blocks.1.norm1.weight", "norm.weight"].map(frozen),
    ).toEqual([true, true, false, false]);
    expect(["cls_token", "blocks.0.norm1.weight"].map(frozenButLast(depths, 2))).toEqual([true, false]);
    expect(["cls_token", "blocks.0.norm1.weight"].map(frozenButLast(depths, 9))).toEqual([false, false]);
  });
});
