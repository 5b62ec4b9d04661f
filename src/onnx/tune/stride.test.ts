import { describe, expect, it } from "vitest";
import { GraphBuilder } from "../builder.js";
import { BATCH } from "../dim.js";
import type { Model } from "../graph.js";
import { float32Tensor } from "../tensor.js";
import { difference, feedsFor, noise, runModel } from "../testing/run.js";
import { spreadRows } from "./stride.js";

const WIDTH = 1024;

const weight = (g: GraphBuilder, rows: number, columns: number, seed: number) =>
  g.constant(
    float32Tensor(
      [rows, columns],
      noise(rows * columns, seed).map((v) => v * 0.1),
    ),
    "weight",
  );

const vector = (g: GraphBuilder, seed: number) =>
  g.constant(float32Tensor([WIDTH], noise(WIDTH, seed)), "bias");

/** Two layers around a hidden one; `middle` is what happens in it. */
function twoLayers(
  middle: (g: GraphBuilder, hidden: string) => string,
  outputs?: (hidden: string, y: string) => string[],
): Model {
  const g = GraphBuilder.empty("mlp", 20);
  const x = g.input({ name: "x", dtype: "float32", shape: [BATCH, 3, 8] });
  const hidden = g.add("Add", [g.add("MatMul", [x, weight(g, 8, WIDTH, 1)]), vector(g, 2)]);
  const y = g.add("MatMul", [middle(g, hidden), weight(g, WIDTH, 8, 3)]);
  const graph = g.build(outputs?.(hidden, y) ?? [y]);
  return {
    irVersion: 9,
    opsets: new Map([["", 20]]),
    producer: "",
    metadata: new Map(),
    graph,
    functions: [],
  };
}

const widths = (model: Model) =>
  new Set(
    model.graph.nodes
      .filter((node) => node.op !== "Pad")
      .flatMap((node) => node.outputs.map((name) => model.graph.types.get(name)?.shape?.at(-1))),
  );

describe("hidden layers of rows a multiple of 4096 bytes apart", () => {
  const gelu = twoLayers((g, hidden) => g.add("Gelu", [hidden]));

  it("are widened, with the same outputs", async () => {
    const wide = spreadRows(gelu);
    expect(widths(wide)).toEqual(new Set([WIDTH + 16, 8]));
    const feeds = feedsFor(gelu, 2);
    expect(difference(await runModel(gelu, feeds), await runModel(wide, feeds))).toBeLessThan(1e-6);
  });

  it("stay as they are where something else depends on their width", () => {
    const normed = twoLayers((g, hidden) => g.add("LayerNormalization", [hidden, vector(g, 4)]));
    const summed = twoLayers((g, hidden) =>
      g.add("Add", [hidden, g.add("ReduceSum", [hidden, g.ints([2])])]),
    );
    const output = twoLayers(
      (g, hidden) => g.add("Relu", [hidden]),
      (hidden, y) => [hidden, y],
    );
    for (const model of [normed, summed, output]) expect(spreadRows(model)).toBe(model);
  });

  it("stay as they are where the added zeros would be divided by", () => {
    const byVector = twoLayers((g, hidden) => g.add("Div", [hidden, vector(g, 4)]));
    const byHidden = twoLayers((g, hidden) => g.add("Div", [hidden, g.add("Abs", [hidden])]));
    for (const model of [byVector, byHidden]) expect(spreadRows(model)).toBe(model);
  });

  it("of other widths are none of its business", () => {
    const g = GraphBuilder.empty("mlp", 20);
    const x = g.input({ name: "x", dtype: "float32", shape: [BATCH, 8] });
    const y = g.add("MatMul", [
      g.add("Relu", [g.add("MatMul", [x, weight(g, 8, 32, 1)])]),
      weight(g, 32, 8, 2),
    ]);
    const model = { ...gelu, graph: g.build([y]) };
    expect(spreadRows(model)).toBe(model);
  });
});
