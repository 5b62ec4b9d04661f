import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, it } from "vitest";
import { type CorpusExport, type CorpusModel, corpus, golden, goldenFloats } from "../../test/corpus.js";
import { readModelFile } from "../onnx/node/read-file.js";
import { prepare } from "../onnx/prepare.js";
import type { Anatomy } from "./anatomy.js";
import { readAnatomy } from "./read.js";
import { valuesOf } from "./testing/values.js";
import { verifyAnatomy } from "./verify.js";

async function anatomyOf(path: string): Promise<Anatomy> {
  const { model } = await readModelFile(path);
  return readAnatomy(prepare(model));
}

/** The same in every export of a model. */
function expectGolden(anatomy: Anatomy, model: CorpusModel, file: CorpusExport): void {
  expect(anatomy.why).toEqual([]);
  expect(anatomy).toMatchObject({
    family: model.family,
    image: model.image,
    prefixTokens: model.prefixTokens,
    suffixTokens: 0,
    input: {
      name: file.input,
      layout: file.layout,
      channels: 3,
      preprocessing: file.layout === "NHWC" ? "inside" : "outside",
    },
    output: { kind: file.output, classes: golden(model, "logits").dims[1] },
  });
  expect(anatomy.blocks).toHaveLength(model.blocks);
  // The grid of the golden file is Grad-CAM's: the last stage's.
  const last = anatomy.blocks.at(-1)?.windows?.grid ?? anatomy.grid;
  expect(last).toEqual(model.grid);
  const kinds: readonly string[] =
    model.head === undefined
      ? ["token", "mean", "distilled"]
      : [model.head === "mean" ? "mean" : "token", "distilled"];
  expect(kinds).toContain(anatomy.head);
  model.windows?.forEach((window, i) => {
    const found = anatomy.blocks[i]?.windows;
    expect({ hw: found?.grid, window: found?.window, shift: found?.shift }).toEqual({ ...window });
  });
  for (const [i, block] of anatomy.blocks.entries()) {
    const dims = golden(model, `attention.${i}`).dims;
    expect([block.heads, block.tokens]).toEqual([dims[1], dims[3]]);
    expect(anatomy.layers.map((l) => l.name)).toContain(`${block.name}.norm1`);
  }
}

/** Every token of the patch grid is counted once through all windows and mergings. */
function expectConserved(anatomy: Anatomy): void {
  for (const { windows, merge } of anatomy.blocks) {
    if (windows === undefined) continue;
    const tokens = windows.grid[0] * windows.grid[1];
    const all = Array.from({ length: tokens }, (_, i) => i);
    expect([...windows.slots].filter((s) => s >= 0).sort((a, b) => a - b)).toEqual(all);
    expect(windows.slots).toHaveLength(windows.padded[0] * windows.padded[1]);
    if (merge !== undefined) {
      expect([...merge.children].filter((c) => c >= 0).sort((a, b) => a - b)).toEqual(all);
    }
  }
}

describe("the anatomy of every model and export of the corpus", () => {
  for (const model of corpus()) {
    for (const file of model.exports) {
      it(`${model.name}/${file.name} is what its golden file says`, async () => {
        const anatomy = await anatomyOf(file.path);
        expectGolden(anatomy, model, file);
        expectConserved(anatomy);
      });
    }
  }
});

describe("the tensors that are named", () => {
  for (const model of corpus()) {
    const file = model.exports.find((e) => !e.quantized && !e.half && e.layout === "NCHW");
    if (file === undefined) continue;
    it(`of ${model.name} hold PyTorch's attention maps, block by block, and its logits`, async () => {
      const { model: raw } = await readModelFile(file.path);
      const prepared = prepare(raw);
      const anatomy = readAnatomy(prepared);
      const images = file.batch === 1 ? 1 : 2;
      const input = goldenFloats(model, "input");
      const dims = [images, ...golden(model, "input").dims.slice(1)];
      const run = valuesOf(prepared, {
        [file.input]: { dtype: "float32", dims, data: input.slice(0, (input.length / 2) * images) },
      });
      expect(await verifyAnatomy(anatomy, run)).toEqual([]);
      const values = await run([anatomy.output.logits, ...anatomy.blocks.map((b) => b.attention)]);
      const expectEqual = (name: string, reference: string): void => {
        const data = values[name]?.data ?? [];
        const expected = goldenFloats(model, reference);
        expect(data).toHaveLength((expected.length / 2) * images);
        let worst = 0;
        for (let i = 0; i < data.length; i++) {
          worst = Math.max(worst, Math.abs(Number(data[i]) - (expected[i] ?? 0)));
        }
        expect(worst).toBeLessThan(1e-5 * Math.max(1, ...expected.map(Math.abs)));
      };
      expectEqual(anatomy.output.logits, "logits");
      anatomy.blocks.forEach((block, i) => {
        expectEqual(block.attention, `attention.${i}`);
      });
    });
  }
});

const FIXTURES = new URL("../../test/fixtures/anatomy/", import.meta.url);
const fixture = (name: string): Promise<Anatomy> =>
  anatomyOf(fileURLToPath(new URL(`${name}.onnx`, FIXTURES)));

describe("models put together in other ways", () => {
  it("reads torch.nn layers on [tokens, N, C], with bmm over images and heads", async () => {
    const anatomy = await fixture("sequence_first");
    expect(anatomy).toMatchObject({ family: "vit", head: "token", prefixTokens: 1, grid: [4, 4] });
    expect(anatomy.blocks[0]).toMatchObject({ attentionLayout: "(BH)NN", heads: 2, tokens: 17 });
    expect(anatomy.layers.find((l) => l.name === "blocks.1.norm1")).toMatchObject({
      layout: "sequence-first",
      prefixTokens: 1,
    });
  });

  it("calls norm1 the norm behind the attention where norms come last", async () => {
    const anatomy = await fixture("post_norm");
    const layer = anatomy.layers.find((l) => l.name === "blocks.0.norm1");
    expect(layer?.aliases).toContain("/norm1/LayerNormalization");
    expect(anatomy.layers.find((l) => l.name === "blocks.1.norm1")?.unusable).toMatch(/exactly 0/);
  });

  it("finds the grid of patches cut out by reshaping", async () => {
    const anatomy = await fixture("linear_patches");
    expect(anatomy).toMatchObject({ family: "vit", head: "mean", prefixTokens: 0, grid: [4, 4] });
  });

  it("takes the last convolution of a stem for the patch grid", async () => {
    expect(await fixture("conv_stem")).toMatchObject({ family: "vit", grid: [4, 4], prefixTokens: 1 });
  });

  it("finds tokens that stand behind the patches", async () => {
    expect(await fixture("class_token_last")).toMatchObject({
      family: "vit",
      prefixTokens: 0,
      suffixTokens: 1,
      head: "token",
      headTokens: [16],
    });
    expect(await fixture("registers_behind")).toMatchObject({
      family: "vit",
      prefixTokens: 1,
      suffixTokens: 4,
      head: "token",
      headTokens: [0],
    });
  });

  it("does not pass patches in another order off as a map", async () => {
    const anatomy = await fixture("column_order");
    expect(anatomy.family).toBe("unknown");
    expect(anatomy.why.join(" ")).toMatch(/raster order.*by hand/);
  });

  it("tells a mean over all tokens, a mean by matrix product and a pooling attention", async () => {
    expect(await fixture("mean_of_all")).toMatchObject({ head: "mean", prefixTokens: 1, headTokens: [] });
    expect((await fixture("mean_of_all")).notes.join(" ")).toMatch(/includes 1/);
    expect(await fixture("mean_by_product")).toMatchObject({ head: "mean", notes: [] });
    const pooled = await fixture("attention_pool");
    expect(pooled).toMatchObject({ family: "vit", head: "attention" });
    expect(pooled.blocks).toHaveLength(2);
  });

  it("falls back on block inputs where there are no norms", async () => {
    const names = (await fixture("no_norms")).layers.map((l) => l.name);
    expect(names).toContain("blocks.1.input");
    expect(names).not.toContain("blocks.1.norm1");
  });

  it("reads blocks whose attention and MLP run side by side", async () => {
    const anatomy = await fixture("parallel");
    expect(anatomy.family).toBe("vit");
    expect(anatomy.layers.map((l) => l.name)).toEqual([
      "patch_embed",
      "blocks.0.norm1",
      "blocks.0",
      "blocks.1.norm1",
      "blocks.1",
      "norm",
    ]);
  });

  it("finds the logits behind a LogSoftmax and a Sigmoid, and says so", async () => {
    const log = await fixture("log_softmax");
    expect(log.output.kind).toBe("logits");
    expect(log.output.logits).not.toBe(log.output.name);
    const sigmoid = await fixture("sigmoid");
    expect(sigmoid.output.kind).toBe("probabilities");
    expect(sigmoid.notes.join(" ")).toMatch(/Sigmoid/);
  });

  it("prefers logits to the probabilities made of them, and averaged heads to each head", async () => {
    const both = await fixture("probabilities_and_logits");
    expect(both.output).toMatchObject({ kind: "logits" });
    expect(both.output.logits).toBe(both.output.name);
    const teacher = await fixture("teacher");
    expect(teacher).toMatchObject({ head: "distilled", headTokens: [0, 1], prefixTokens: 2 });
    expect(teacher.notes.join(" ")).toMatch(/was taken as the classifier's/);
  });
});

describe("Grad-CAM's layers", () => {
  let anatomy: Anatomy;
  beforeAll(async () => {
    anatomy = await fixture("registers_behind");
  });

  it("are flagged where a token head leaves patches without gradient", () => {
    const unusable = anatomy.layers.filter((l) => l.unusable !== undefined).map((l) => l.name);
    expect(unusable).toEqual(["blocks.1.norm2", "blocks.1", "norm"]);
  });

  it("are all usable where the head reads the mean", async () => {
    const mean = await fixture("mean_of_all");
    expect(mean.layers.every((l) => l.unusable === undefined)).toBe(true);
  });
});
