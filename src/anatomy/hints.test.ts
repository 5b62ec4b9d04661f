import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import type { Model } from "../onnx/graph.js";
import { readModelFile } from "../onnx/node/read-file.js";
import { prepare } from "../onnx/prepare.js";
import { readAnatomy } from "./read.js";

async function prepared(name: string): Promise<Model> {
  const path = fileURLToPath(new URL(`../../test/fixtures/anatomy/${name}.onnx`, import.meta.url));
  return prepare((await readModelFile(path)).model);
}

describe("what the user says of a model", () => {
  it("names attention tensors where the order of tokens was not accepted", async () => {
    const model = await prepared("column_order");
    const attention = readAnatomy(model).blocks.map((b) => b.attention);
    const anatomy = readAnatomy(model, { attention, grid: [4, 4], prefixTokens: 1, head: "token" });
    expect(anatomy).toMatchObject({
      family: "vit",
      prefixTokens: 1,
      head: "token",
      headTokens: [0],
      why: [],
    });
    expect(anatomy.blocks.map((b) => [b.name, b.heads, b.tokens])).toEqual([
      ["blocks.0", 2, 17],
      ["blocks.1", 2, 17],
    ]);
  });

  it("reads heads off [N·heads, n, n]", async () => {
    const model = await prepared("sequence_first");
    const attention = readAnatomy(model).blocks.map((b) => b.attention);
    const anatomy = readAnatomy(model, { attention });
    expect(anatomy.blocks[0]).toMatchObject({ attentionLayout: "(BH)NN", heads: 2, tokens: 17 });
  });

  it("names a layer by its tensor", async () => {
    const model = await prepared("column_order");
    const norm = model.graph.nodes.findLast((n) => n.op === "LayerNormalization")?.outputs[0] ?? "";
    const layer = readAnatomy(model, { layer: norm }).layers.find((l) => l.tensor === norm);
    expect(layer).toMatchObject({ name: norm, layout: "tokens", prefixTokens: 1, grid: [4, 4] });
  });

  it("names output and logits", async () => {
    const model = await prepared("teacher");
    const first = model.graph.outputs[0]?.name ?? "";
    const anatomy = readAnatomy(model, { output: first });
    expect(anatomy.output.name).toBe(first);
    expect(anatomy.head).toBe("token");
    expect(() => readAnatomy(model, { output: "nothing" })).toThrow(/no output nothing/);
  });

  it("is refused where it does not fit", async () => {
    const model = await prepared("column_order");
    const attention = readAnatomy(model).blocks.map((b) => b.attention);
    expect(() => readAnatomy(model, { attention, grid: [5, 5], prefixTokens: 1 })).toThrow(
      /17, 17 tokens do not fit/,
    );
    expect(() => readAnatomy(model, { attention: ["nothing"] })).toThrow(/no tensor "nothing"/);
    const logits = readAnatomy(model).output.logits;
    expect(() => readAnatomy(model, { attention: [logits] })).toThrow(/no attention map/);
    expect(() => readAnatomy(model, { layer: logits })).toThrow(/no layer of patch tokens/);
  });
});
