import { describe, expect, it } from "vitest";
import { corpus } from "../../../test/corpus.js";
import { GraphBuilder } from "../builder.js";
import { BATCH } from "../dim.js";
import type { Model } from "../graph.js";
import { readModelFile } from "../node/read-file.js";
import { prepare } from "../prepare.js";
import { float32Tensor } from "../tensor.js";
import { difference, feedsFor, runModel } from "../testing/run.js";
import { lower } from "./lower.js";

function linear(biasDims: readonly number[], tokens = 9): Model {
  const builder = GraphBuilder.empty();
  builder.input({ name: "x", dtype: "float32", shape: [BATCH, tokens, 4] });
  const weight = builder.constant(
    float32Tensor(
      [4, 6],
      Float32Array.from({ length: 24 }, (_, i) => Math.sin(i)),
    ),
  );
  const bias = builder.constant(
    float32Tensor(
      biasDims,
      Float32Array.from({ length: 6 }, (_, i) => i / 3),
    ),
  );
  const product = builder.add("MatMul", ["x", weight]);
  const y = builder.add("Add", [bias, product], {}, { outputs: ["y"] });
  const opsets = new Map([["", builder.opset]]);
  return {
    irVersion: 9,
    opsets,
    producer: "",
    metadata: new Map(),
    graph: builder.build([y]),
    functions: [],
  };
}

const ops = ({ graph }: Model): string[] => graph.nodes.map((n) => n.op);

describe("lowering a linear layer", () => {
  it.each([[[6]], [[1, 6]], [[1, 1, 6]]])("puts a bias of shape %j into the matrix product", async (dims) => {
    const model = linear(dims);
    const lowered = lower(model);
    expect(ops(lowered).slice(-2)).toEqual(["Gemm", "Reshape"]);
    for (const batch of [1, 3]) {
      const feeds = feedsFor(model, batch);
      expect(difference(await runModel(lowered, feeds), await runModel(model, feeds))).toBeLessThan(1e-6);
    }
  });
  it("leaves a product that something else reads, too", () => {
    const model = linear([6]);
    const product = model.graph.nodes[0]?.outputs[0] ?? "";
    const outputs = [
      ...model.graph.outputs,
      { name: product, dtype: "float32" as const, shape: [BATCH, 9, 6] },
    ];
    expect(ops(lower({ ...model, graph: { ...model.graph, outputs } }))).toEqual(["MatMul", "Add"]);
  });
  it("leaves a layer of a few rows", () => {
    expect(ops(lower(linear([6], 1)))).toEqual(["MatMul", "Add"]);
  });
});

describe.each(corpus().flatMap((m) => m.exports.slice(0, 1).map((e) => [m.name, e] as const)))(
  "%s",
  (_, file) => {
    it("gives the same logits lowered", async () => {
      const model = prepare((await readModelFile(file.path)).model);
      const feeds = feedsFor(model, 2);
      expect(difference(await runModel(lower(model), feeds), await runModel(model, feeds))).toBeLessThan(
        2e-6,
      );
    });
  },
);
