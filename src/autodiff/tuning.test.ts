import { describe, expect, it } from "vitest";
import { GraphBuilder } from "../onnx/builder.js";
import { BATCH } from "../onnx/dim.js";
import { float32Tensor } from "../onnx/tensor.js";
import { difference, feedsFor, noise, runModel } from "../onnx/testing/run.js";
import { spreadRows } from "../onnx/tune/stride.js";
import { gradients } from "./gradients.js";
import { modelOf } from "./testing/finite-differences.js";

describe("a graph with gradients, tuned", () => {
  it("has its hidden layers widened forwards and backwards, with the same outputs", async () => {
    const g = GraphBuilder.empty("mlp", 20);
    const x = g.input({ name: "x", dtype: "float32", shape: [BATCH, 3, 8] });
    const seed = g.input({ name: "seed", dtype: "float32", shape: [BATCH, 3, 8] });
    const weight = (rows: number, columns: number) =>
      g.constant(
        float32Tensor(
          [rows, columns],
          noise(rows * columns, rows).map((v) => v * 0.1),
        ),
      );
    const hidden = g.add("MatMul", [x, weight(8, 1024)]);
    const y = g.add("MatMul", [g.add("Gelu", [hidden]), weight(1024, 8)]);
    const { model, gradients: names } = gradients(modelOf(g.build([y])), {
      of: [{ value: y, seed }],
      wrt: [x],
    });
    const both = { ...model, graph: GraphBuilder.extending(model).build([y, names.get(x) ?? ""]) };
    const wide = spreadRows(both);
    const perToken = [...wide.graph.types.values()].filter((type) => type.shape?.length === 3);
    expect(new Set(perToken.map((type) => type.shape?.at(-1)))).toEqual(new Set([8, 1040]));
    const feeds = feedsFor(both, 2);
    expect(difference(await runModel(both, feeds), await runModel(wide, feeds))).toBeLessThan(1e-5);
  });
});
