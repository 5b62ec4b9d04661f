import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { float, int } from "../../onnx/attributes.js";
import { GraphBuilder } from "../../onnx/builder.js";
import { BATCH } from "../../onnx/dim.js";
import { tensorOf } from "../../onnx/shape/array.js";
import { float32Tensor } from "../../onnx/tensor.js";
import { gradients } from "../gradients.js";
import { checkProperty, modelOf } from "../testing/finite-differences.js";

const extent = fc.integer({ min: 2, max: 5 });
const EPSILON = { epsilon: float(0.3) };

describe("gradients of LayerNorm", () => {
  it("by input, scale and bias, over one axis or several", () =>
    checkProperty(
      fc.tuple(extent, extent, extent, fc.constantFrom(-1, -2, 1, 2), fc.boolean()),
      ([a, b, c, axis, bias]) => {
        const scale = axis === -1 || axis === 2 ? [c] : [b, c];
        return {
          shapes: [[a, b, c], scale, ...(bias ? [scale] : [])],
          // ONNX Runtime gives the statistics in float32 only.
          dtype: "float32",
          body: (g, x) => g.add("LayerNormalization", x, { axis: int(axis), ...EPSILON }),
        };
      },
    ));

  it("in front of linear layers, into which scale and centring are folded", () =>
    checkProperty(fc.tuple(extent, extent, fc.boolean()), ([rows, width, two]) => ({
      shapes: [[2, rows, width]],
      dtype: "float32",
      body: (g, [x = ""]) => {
        const vector = (seed: number) =>
          g.constant(
            tensorOf(
              "float32",
              [width],
              Array.from({ length: width }, (_, i) => Math.sin(seed + i)),
            ),
          );
        const weight = (seed: number) =>
          g.constant(
            tensorOf(
              "float32",
              [width, 3],
              Array.from({ length: width * 3 }, (_, i) => Math.cos(seed * i + 1)),
            ),
          );
        const y = g.add("LayerNormalization", [x, vector(1), vector(2)], EPSILON);
        const layers = [1, ...(two ? [2] : [])].map((seed) => g.add("MatMul", [y, weight(seed)]));
        return g.add("Add", [
          x,
          g.add("ReduceSum", [g.add("Concat", layers, { axis: int(2) }), g.ints([2])]),
        ]);
      },
    })));

  it("reuses the statistics of the forward pass and folds scale and centring into the weight", () => {
    const g = GraphBuilder.empty("norm", 20);
    const shape = [BATCH, 5, 4];
    const x = g.input({ name: "x", dtype: "float32", shape });
    const ones = g.constant(float32Tensor([4], [1, 1, 1, 1]));
    const normed = g.add("LayerNormalization", [x, ones, ones]);
    const y = g.add("MatMul", [normed, g.constant(float32Tensor([4, 4], new Float32Array(16)))]);
    const seed = g.input({ name: "seed", dtype: "float32", shape });
    const { model, gradients: byName } = gradients(modelOf(g.build([y])), {
      of: [{ value: y, seed }],
      wrt: [x],
    });
    const { nodes } = GraphBuilder.extending(model).build([byName.get(x) ?? ""]);
    const perRow = nodes.filter((node) => model.graph.types.get(node.outputs[0] ?? "")?.shape?.length === 3);
    expect(perRow.map((node) => node.op).sort()).toEqual(
      ["LayerNormalization", "MatMul", "Mul", "Mul", "Mul", "Mul", "Mul", "ReduceMean", "Sub", "Sub"].sort(),
    );
  });

  it("SimplifiedLayerNormalization (RMSNorm) by input and scale", () =>
    checkProperty(fc.tuple(extent, extent, extent), ([a, b, c]) => ({
      shapes: [[a, b, c], [c]],
      dtype: "float32",
      body: (g, x) => g.add("SimplifiedLayerNormalization", x, EPSILON),
    })));
});
