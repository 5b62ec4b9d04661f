import * as ort from "onnxruntime-node";
import { describe, expect, it } from "vitest";
import { type CorpusModel, corpus, goldenFloats } from "../../test/corpus.js";
import { openModel } from "../api/node/open.js";
import { gradCam } from "../explain/grad-cam.js";
import { gradientRollout } from "../explain/gradient-rollout.js";
import { joinPieces, writeModel } from "../onnx/write.js";
import { parseSpec } from "../spec.js";
import { buildModel, readConfig, recognise } from "./index.js";
import { openCheckpoint } from "./node/open.js";
import { swinTensors, type TinySwin } from "./testing/swin-tensors.js";

/** max |a − b| / max |b| */
function distance(a: ArrayLike<number>, b: ArrayLike<number>): number {
  expect(a.length).toBe(b.length);
  let [difference, largest] = [0, 0];
  for (let i = 0; i < b.length; i++) {
    difference = Math.max(difference, Math.abs((a[i] ?? Number.NaN) - (b[i] ?? 0)));
    largest = Math.max(largest, Math.abs(b[i] ?? 0));
  }
  return difference / largest;
}

const models = corpus().filter((m) => m.family === "swin" && m.checkpoint !== undefined);
if (models.length === 0) process.stderr.write("No Swin checkpoints are there: they are not compared.\n");

describe.skipIf(models.length === 0).each(models.map((m) => [m.name, m] as const))("%s", (_name, m) => {
  it("attends and classifies as in PyTorch", async () => {
    const { model } = await openCheckpoint(m.checkpoint ?? "");
    const { graph } = model;
    const maps = graph.nodes.filter((node) => node.op === "Softmax").map((node) => node.outputs[0] ?? "");
    const outputs = [
      ...graph.outputs,
      ...maps.map((name) => ({ name, dtype: "float32" as const, shape: graph.types.get(name)?.shape })),
    ];
    const bytes = joinPieces(writeModel({ ...model, graph: { ...graph, outputs } }));
    const session = await ort.InferenceSession.create(bytes, { intraOpNumThreads: 1 });
    const pixel_values = new ort.Tensor("float32", goldenFloats(m, "input"), [2, 3, ...m.image]);
    const results = await session.run({ pixel_values });
    await session.release();
    const value = (name: string) => results[name]?.data as Float32Array;
    expect(distance(value("logits"), goldenFloats(m, "logits"))).toBeLessThan(1e-5);
    expect(maps).toHaveLength(m.blocks);
    maps.forEach((name, i) => {
      expect(distance(value(name), goldenFloats(m, `attention.${i}`))).toBeLessThan(1e-5);
    });
  });

  it("is recognised with its windows, and explained as in PyTorch", async () => {
    const opened = await openModel(m.checkpoint ?? "");
    expect(opened.anatomy.family).toBe("swin");
    expect(opened.anatomy.blocks.map(({ windows }) => windows && [windows.window, windows.shift])).toEqual(
      m.windows?.map(({ window, shift }) => [window, shift]),
    );
    const { cams, rollouts } = await explain(opened, m);
    await opened.close();
    expect(distance(cams, goldenFloats(m, "gradcam.top"))).toBeLessThan(1e-4);
    // Some goldens assume that the grid is padded before it is rolled, and timm rolls first.
    if (m.rolloutWindows === "model" || !m.name.startsWith("timm")) {
      expect(distance(rollouts, goldenFloats(m, "rollout"))).toBeLessThan(1e-3);
    }
  });
});

async function explain(opened: Awaited<ReturnType<typeof openModel>>, m: CorpusModel) {
  const [height, width] = m.image;
  const size = 3 * height * width;
  const pixels = goldenFloats(m, "input");
  const images = await Promise.all(
    [0, 1].map((i) => {
      const data = pixels.slice(i * size, (i + 1) * size);
      return opened.fromTensor({ data, channels: 3, height, width }, `image ${i}`);
    }),
  );
  const maps: (readonly number[])[][] = [[], []];
  for await (const { maps: found } of opened.explainAll(
    images,
    [gradCam(), gradientRollout({ discard: 0 })],
    {
      target: "top",
    },
  )) {
    for (const [i, map] of found.entries()) maps[i]?.push([...map.values]);
  }
  const [cams = [], rollouts = []] = maps.map((list) => Float32Array.from(list.flat()));
  return { cams, rollouts };
}

const timm = (second = false) => ({
  architecture: second ? "swinv2_tiny_window8_256" : "swin_tiny_patch4_window7_224",
  num_classes: 3,
  model_args: {
    img_size: [8, 12],
    patch_size: 2,
    embed_dim: 4,
    depths: [1, 2],
    num_heads: [1, 2],
    window_size: 2,
  },
});
const hugging = (second = false) => ({
  model_type: second ? "swinv2" : "swin",
  architectures: [second ? "Swinv2ForImageClassification" : "SwinForImageClassification"],
  id2label: { 0: "a", 1: "b", 2: "c" },
  image_size: 8,
  patch_size: 2,
  embed_dim: 4,
  depths: [1, 2],
  num_heads: [1, 2],
  window_size: 2,
});

async function build(config: object, model: TinySwin, changed = {}, options = {}) {
  return buildModel(readConfig(config), swinTensors(model, changed), options);
}

const withArgs = (args: object, second = false) => {
  const config = timm(second);
  return { ...config, model_args: { ...config.model_args, ...args } };
};

describe("a Swin", () => {
  it.each([
    ["timm's", timm(), { library: "timm" }],
    ["timm's, second", timm(true), { library: "timm", second: true }],
    ["timm's under Microsoft's names", timm(), { library: "timm", old: true }],
    ["timm's, second, under Microsoft's names", timm(true), { library: "timm", second: true, old: true }],
    ["Hugging Face's", hugging(), { library: "hugging-face" }],
    ["Hugging Face's, second", hugging(true), { library: "hugging-face", second: true }],
  ] as const)("%s takes every tensor it has", async (_name, config, model) => {
    const { graph } = (await build(config, model)).model;
    expect(graph.outputs.map(({ name, shape }) => [name, shape?.[1]])).toEqual([["logits", 3]]);
  });

  it("leaves the buffers that old files keep", async () => {
    const attention = "layers.1.blocks.1.attn";
    const buffers = {
      [`${attention}.relative_position_index`]: [4, 4],
      [`${attention}.relative_coords_table`]: [1, 3, 3, 2],
      "layers.0.blocks.0.attn_mask": [4, 4, 4],
    };
    await expect(build(timm(), { library: "timm" }, buffers)).resolves.toBeDefined();
  });

  it("without a classifier gives features", async () => {
    const model = { library: "hugging-face", classes: 0 } as const;
    const { graph } = (await build({ ...hugging(), architectures: ["SwinModel"] }, model)).model;
    expect(graph.outputs.map(({ name, shape }) => [name, shape?.[1]])).toEqual([["features", 8]]);
  });

  it("takes images of another size", async () => {
    const { graph } = (await build(timm(true), { library: "timm", second: true }, {}, { image: [10, 6] }))
      .model;
    expect(graph.inputs[0]?.shape?.slice(1)).toEqual([3, 10, 6]);
  });

  it("has a node called after every block and merging", async () => {
    const { graph } = (await build(timm(), { library: "timm" })).model;
    const scopes = new Set(graph.nodes.map(({ scope }) => scope));
    for (const scope of [
      "patch_embed.proj",
      "layers.1.blocks.0.norm1",
      "layers.1.downsample.reduction",
      "norm",
    ]) {
      expect(scopes).toContain(scope);
    }
  });

  it.each([
    ["a pooling that is not known", { ...timm(), global_pool: "max" }, /global_pool "max" is not supported/],
    ["an argument that is not known", withArgs({ ape: true }), /"ape"/],
    ["an argument of the other version", withArgs({ act_layer: "gelu" }), /"act_layer"/],
    [
      "windows for other stages",
      withArgs({ window_size: [2, 2, 2] }),
      /window_size has 3 entries for 2 stages/,
    ],
    ["heads for other stages", withArgs({ num_heads: [1] }), /num_heads has 1 entries for 2 stages/],
    ["heads that do not divide the width", withArgs({ num_heads: [3, 2] }), /3 heads do not divide/],
    ["images smaller than a patch", withArgs({ img_size: 1 }), /smaller than a patch/],
    [
      "changing images of no whole patches",
      withArgs({ img_size: 9, dynamic_img_size: true }),
      /no whole patches/,
    ],
  ])("of timm with %s is refused", async (_what, config, message) => {
    await expect(build(config, { library: "timm" })).rejects.toThrow(message);
  });

  it.each([
    [
      "windows larger than the grid",
      { window_size: 3 },
      false,
      /cannot run a grid of 2×2 tokens with windows of 3×3/,
    ],
    ["absolute embeddings in V2", { use_absolute_embeddings: true }, true, /use_absolute_embeddings/],
    ["stages of nothing", { image_size: 2 }, true, /too small for so many stages/],
    ["a backbone", { architectures: ["SwinBackbone"] }, false, /SwinBackbone is not supported/],
    ["an activation that is not known", { hidden_act: "mish" }, false, /hidden_act "mish"/],
  ] as const)("of Hugging Face with %s is refused", async (_what, changed, second, message) => {
    const model = { library: "hugging-face", second } as const;
    await expect(build({ ...hugging(second), ...changed }, model)).rejects.toThrow(message);
  });

  it("whose tensors do not fit is refused in one message", async () => {
    const changed = {
      "norm.weight": undefined,
      "layers.0.blocks.0.attn.relative_position_bias_table": [25, 2],
    };
    await expect(build(timm(), { library: "timm" }, changed)).rejects.toThrow(
      /Missing \(1\): norm\.weight \[8\]\. Of another shape \(1\): .*table is \[25, 2\], not \[9, 1\]/,
    );
  });

  it("whose biases of positions are for another window has them resized, if timm's", async () => {
    const tables = Object.fromEntries(
      [0, 1].flatMap((stage) =>
        [0, 1].map((block) => [
          `layers.${stage}.blocks.${block}.attn.relative_position_bias_table`,
          stage === 0 && block === 1 ? undefined : [25, stage + 1],
        ]),
      ),
    );
    await expect(build(timm(), { library: "timm" }, tables)).resolves.toBeDefined();
  });

  it("of transformers keeps its windows at another size, and says so", async () => {
    const model = { library: "hugging-face", second: true } as const;
    const { notes } = await build(hugging(true), model, {}, { image: [16, 16] });
    expect(notes).toEqual(["windows stay those of the configuration's 8×8, as transformers keeps them"]);
  });
});

describe("a bare state dict of a Swin", () => {
  const recognised = (model: TinySwin, arch: string | undefined, changed = {}) =>
    recognise(swinTensors(model, changed), arch === undefined ? undefined : parseSpec(arch));

  it.each([
    [{ library: "timm" }, "swin_tiny_patch4_window7_224:img_size=8x12"],
    [{ library: "timm", second: true }, "swinv2_tiny_window8_256:img_size=8,window_size=2"],
    [{ library: "timm", old: true, classes: 0 }, "swin_tiny_patch4_window7_224:img_size=8"],
    [{ library: "hugging-face" }, "swin:image_size=8"],
    [{ library: "hugging-face", second: true, classes: 0 }, "swinv2:image_size=8x12,window_size=2"],
    [{ library: "torchvision" }, "swin_t:image_size=8"],
    [{ library: "torchvision" }, "swin_t:img_size=8x10"],
    [{ library: "torchvision", second: true }, "swin_v2_t:img_size=8,window_size=2"],
  ] as const)("%j opens with --arch %s", async (model, arch) => {
    const { description, inferred } = recognised(model, arch);
    expect(inferred).toContainEqual(expect.objectContaining({ name: "embed_dim", value: "4" }));
    expect(inferred).toContainEqual(expect.objectContaining({ name: "depths", value: "1, 2" }));
    expect(inferred.map(({ name }) => name)).not.toContain("img_size");
    await expect(buildModel(description, swinTensors(model))).resolves.toBeDefined();
  });

  it("lists values that its name stands for", () => {
    const { inferred } = recognised({ library: "timm" }, "swin_tiny_patch4_window7_224");
    expect(inferred).toContainEqual({
      name: "img_size",
      value: "224×224",
      from: "swin_tiny_patch4_window7_224",
    });
    expect(inferred).toContainEqual(expect.objectContaining({ name: "window_size", value: "2×2" }));
  });

  it("of Microsoft's takes the image's size from the mask", () => {
    const mask = {
      "layers.0.blocks.1.norm1.weight": [4],
      "layers.0.blocks.1.attn_mask": [9, 4, 4],
    };
    const { inferred } = recognised({ library: "timm", old: true }, "swin_tiny_patch4_window7_224", mask);
    expect(inferred).toContainEqual(expect.objectContaining({ name: "img_size", value: "12×12" }));
  });

  it.each([
    [{ library: "timm" }, undefined, /do not tell the size of the images.*Give --arch swin_tiny_patch4/],
    [{ library: "timm" }, "swin_t", /"swin_t" is not one of timm's names/],
    [{ library: "timm" }, "swinv2_tiny_window8_256", /is not one of timm's names for it/],
    [{ library: "hugging-face", second: true }, undefined, /give --arch swinv2:image_size=224,window_size=8/],
    [{ library: "hugging-face", second: true }, "swinv2:image_size=8", /give --arch swinv2:window_size=8/],
    [{ library: "hugging-face" }, "vit", /Hugging Face's swin, not of vit: give --arch swin/],
    [{ library: "hugging-face" }, "swin:layers=2", /there is no parameter layers \(there are: image_size/],
    [{ library: "torchvision" }, undefined, /give its images' size, --arch swin_t:image_size=HxW/],
    [{ library: "torchvision" }, "swin_v2_t", /torchvision's Swin, not of swin_v2_t: give --arch swin_t/],
    [{ library: "torchvision", second: true }, "swin_v2_t", /do not say how large the windows are/],
    [{ library: "torchvision" }, "vit_b_16", /under the name vit_b_16/],
  ] as const)("%j with --arch %s is refused", (model, arch, message) => {
    expect(() => recognised(model, arch)).toThrow(message);
  });

  it("with windows that are not square needs them stated", () => {
    const changed = { "layers.1.blocks.0.attn.relative_position_bias_table": [15, 2] };
    expect(() => recognised({ library: "timm" }, "swin_tiny_patch4_window7_224", changed)).toThrow(
      /no square window: give its height and width/,
    );
  });
});
