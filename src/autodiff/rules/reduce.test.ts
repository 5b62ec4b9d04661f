import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { int } from "../../onnx/attributes.js";
import { GraphBuilder } from "../../onnx/builder.js";
import { tensorOf } from "../../onnx/shape/array.js";
import { gradients } from "../gradients.js";
import { checkProperty, modelOf, shapes } from "../testing/finite-differences.js";
import { reduceRules } from "./reduce.js";

describe("gradients of reductions", () => {
  for (const op of Object.keys(reduceRules)) {
    it(`${op} over any axes, kept or not`, () =>
      checkProperty(
        fc.tuple(shapes(1, 3), fc.subarray([0, 1, 2]), fc.boolean(), fc.boolean()),
        ([shape, some, keep, noop]) => {
          const axes = some
            .filter((axis) => axis < shape.length)
            .map((axis) => (keep ? axis : axis - shape.length));
          return {
            shapes: [shape],
            ...(op === "ReduceLogSum" ? { range: [0.3, 2] as const } : {}),
            ...(op === "ReduceMax" || op === "ReduceMin" ? { distinct: true } : { kinks: [0] }),
            dtype: op === "ReduceLogSum" || op === "ReduceL1" ? ("float32" as const) : ("float64" as const),
            body: (g, [x = ""]) =>
              g.add(op, [x, ...(axes.length > 0 ? [g.ints(axes)] : [])], {
                keepdims: int(keep ? 1 : 0),
                noop_with_empty_axes: int(noop && axes.length === 0 && op === "ReduceSum" ? 1 : 0),
              }),
          };
        },
        16,
      ));
  }

  it("gives a row of zeros a gradient of zero under ReduceL2, as PyTorch does", () => {
    const g = GraphBuilder.empty("norm", 20);
    const x = g.constant(tensorOf("float32", [2], [0, 0]));
    const input = g.input({ name: "x", dtype: "float32", shape: [2] });
    const y = g.add("ReduceL2", [g.add("Mul", [input, x]), g.ints([0])]);
    const seed = g.input({ name: "seed", dtype: "float32", shape: [1] });
    const { model } = gradients(modelOf(g.build([y])), { of: [{ value: y, seed }], wrt: [input] });
    const guard = model.graph.nodes.find((node) => node.op === "Max");
    expect(guard?.inputs[0]).toBe(y);
  });
});
