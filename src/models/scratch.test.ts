import { describe, expect, it } from "vitest";
import { tensorToFloat32 } from "../onnx/tensor.js";
import { parseSpec } from "../spec.js";
import { loadTensors } from "./hugging-face/save.js";
import { buildModel, readConfig } from "./index.js";
import { architectureNamed, fromScratch } from "./scratch.js";
import { runOnWaves } from "./testing/run.js";
import { trainable } from "./trainable.js";

const labels = ["a", "b", "c"];

const named = (text: string, seed = 1) => fromScratch(architectureNamed(parseSpec(text)), { labels, seed });

const SWIN =
  "swin_tiny_patch4_window7_224:embed_dim=6,depths=2-2,num_heads=2-3,window_size=4,patch_size=2,img_size=16";
const SWIN2 = SWIN.replace("swin_tiny_patch4_window7_224", "swinv2_tiny_window8_256");
const VIT =
  "vit_tiny_patch16_224:embed_dim=12,depth=2,num_heads=3,patch_size=4,img_size=16,reg_tokens=2,init_values=1e-5";
const DEIT = "deit_tiny_distilled_patch16_224:embed_dim=12,depth=1,num_heads=3,patch_size=4,img_size=16x24";

/** Mean and standard deviation of each tensor, by name. */
async function drawn(text: string) {
  const { tensors } = named(text);
  return new Map(
    [...(await loadTensors(tensors))].map(([name, tensor]) => {
      const values = tensorToFloat32(tensor);
      const mean = values.reduce((a, b) => a + b, 0) / values.length;
      const deviation = Math.sqrt(values.reduce((a, b) => a + (b - mean) ** 2, 0) / values.length);
      return [name, { mean, deviation, greatest: values.reduce((a, b) => Math.max(a, Math.abs(b)), 0) }];
    }),
  );
}

describe("a model of an architecture alone", () => {
  it.each([SWIN, SWIN2, VIT, DEIT])(
    "has a graph that runs, and is saved as transformers' own: %s",
    async (text) => {
      const { description, tensors } = named(text);
      const { description: target, tensors: own } = trainable(description, tensors, { seed: 1 });
      const before = await runOnWaves((await buildModel(description, tensors)).model);
      const after = await runOnWaves((await buildModel(target, own)).model);
      expect(before).toHaveLength(6);
      after.forEach((value, i) => {
        expect(value).toBeCloseTo(before[i] ?? Number.NaN, 6);
      });
      expect(target.labels).toEqual(labels);
    },
  );

  it("is the same for the same seed, and another for another", async () => {
    const first = async (seed: number) =>
      tensorToFloat32(
        (await loadTensors(named(SWIN, seed).tensors)).get("head.fc.weight") ?? never("no classifier"),
      );
    expect(await first(1)).toEqual(await first(1));
    expect(await first(2)).not.toEqual(await first(1));
  });

  it("begins with the numbers that timm draws", async () => {
    const vit = await drawn(VIT);
    const bound = 1 / Math.sqrt(3 * 4 * 4);
    expect(vit.get("patch_embed.proj.weight")?.deviation).toBeCloseTo(bound / Math.sqrt(3), 2);
    expect(vit.get("patch_embed.proj.weight")?.greatest).toBeLessThanOrEqual(bound);
    expect(vit.get("pos_embed")?.deviation).toBeCloseTo(0.02, 2);
    expect(vit.get("reg_token")?.deviation).toBeLessThan(2e-6);
    expect(vit.get("blocks.1.ls2.gamma")).toMatchObject({ mean: expect.closeTo(1e-5, 9), deviation: 0 });
    expect(vit.get("blocks.0.norm1.weight")?.mean).toBe(1);
    const swin = await drawn(SWIN);
    expect(swin.get("layers.1.blocks.0.attn.qkv.weight")?.deviation).toBeCloseTo(0.02, 2);
    expect(swin.get("layers.0.blocks.1.attn.relative_position_bias_table")?.deviation).toBeCloseTo(0.02, 2);
    const second = await drawn(SWIN2);
    expect(second.get("layers.0.blocks.0.norm1.weight")?.greatest).toBe(0);
    expect(second.get("layers.0.blocks.0.attn.logit_scale")?.mean).toBeCloseTo(Math.log(10), 5);
    expect(second.get("layers.1.downsample.norm.weight")?.mean).toBe(1);
  });

  it("may be named by transformers' type, and is for images of the size that is asked for", async () => {
    const spec = parseSpec("vit:hidden_size=12,num_hidden_layers=1,num_attention_heads=3,patch_size=8");
    const { description, tensors } = fromScratch(architectureNamed(spec), {
      labels,
      image: [16, 24],
      seed: 1,
    });
    expect(description).toMatchObject({ json: { image_size: [16, 24], hidden_size: 12 } });
    expect((await buildModel(description, tensors)).model.graph.inputs[0]?.shape?.slice(1)).toEqual([
      3, 16, 24,
    ]);
  });

  it("is refused by name where there is none, or it cannot be made", () => {
    expect(() => named("vit_teeny_patch16_224")).toThrow(/"vit_teeny_patch16_224" is no architecture/);
    expect(() => named("vit:hiden_size=4")).toThrow(/vit: there is no field hiden_size/);
    expect(() => named("vit_tiny_patch16_224:embed_dims=12")).toThrow(/there is no argument embed_dims/);
    expect(() => named(`${SWIN},window=4`)).toThrow(/Unrecognized key.*window/);
    expect(() => named("eva02_tiny_patch14_224")).toThrow(
      /eva02_tiny_patch14_224 cannot be trained from nothing/,
    );
    expect(() => named("vit_tiny_patch16_224:weight_init=jax")).toThrow(/weight_init jax cannot be done/);
    const beit = readConfig({ model_type: "beit", architectures: ["BeitForImageClassification"] });
    expect(() => fromScratch(beit, { labels, seed: 1 })).toThrow(/cannot be trained from nothing/);
  });
});

function never(why: string): never {
  throw new Error(why);
}
