import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { float, int } from "../../onnx/attributes.js";
import { GraphBuilder } from "../../onnx/builder.js";
import { BATCH } from "../../onnx/dim.js";
import { tensorOf } from "../../onnx/shape/array.js";
import { float32Tensor } from "../../onnx/tensor.js";
import { gradients } from "../gradients.js";
import { broadcastPair, checkProperty, modelOf, random } from "../testing/finite-differences.js";

const extent = fc.integer({ min: 1, max: 4 });
const flag = fc.constantFrom(0, 1);

const matrix = (seed: number, dims: readonly number[]) => {
  const next = random(seed);
  const size = dims.reduce((n, d) => n * d, 1);
  return tensorOf(
    "float64",
    dims,
    Array.from({ length: size }, () => next() * 2 - 1),
  );
};

describe("gradients of matrix products", () => {
  it("MatMul of two values, with batch axes that broadcast", () =>
    checkProperty(
      fc.tuple(broadcastPair, extent, extent, extent),
      ([[a, b], m, k, n]) => ({
        shapes: [
          [...a, m, k],
          [...b, k, n],
        ],
        body: (g, x) => g.add("MatMul", x),
      }),
      20,
    ));

  it("MatMul with vectors on either side", () =>
    checkProperty(
      fc.tuple(extent, extent, fc.constantFrom(0, 1, 2, 3)),
      ([m, k, form]) => ({
        shapes: [[[k], [2, m, k], [k], [m, k]][form] ?? [], [[2, k, m], [k], [k], [k]][form] ?? []],
        body: (g, x) => g.add("MatMul", x),
      }),
      16,
    ));

  it("MatMul by one matrix for all rows", () =>
    checkProperty(fc.tuple(extent, extent, extent, fc.boolean()), ([m, k, n, fixed]) => ({
      shapes: fixed
        ? [[2, m, k]]
        : [
            [2, m, k],
            [k, n],
          ],
      body: (g, [x = "", w]) => g.add("MatMul", [x, w ?? g.constant(matrix(m, [k, n]))]),
    })));

  it("several layers on one value", () =>
    checkProperty(fc.tuple(extent, extent, extent), ([m, k, n]) => ({
      shapes: [[2, m, k]],
      body: (g, [x = ""]) => {
        const outputs = [n, n + 1, n].map((width, i) =>
          g.add("MatMul", [x, g.constant(matrix(i, [k, width]))]),
        );
        return g.add(
          "Concat",
          outputs.map((y) => g.add("Mul", [y, y])),
          { axis: int(2) },
        );
      },
    })));

  it("Gemm, with every flag, by all three operands", () =>
    checkProperty(
      fc.tuple(extent, extent, extent, flag, flag, fc.constantFrom("row", "column", "full", "none")),
      ([m, k, n, transA, transB, bias]) => ({
        shapes: [
          transA ? [k, m] : [m, k],
          transB ? [n, k] : [k, n],
          ...(bias === "none" ? [] : [bias === "row" ? [n] : bias === "column" ? [m, 1] : [m, n]]),
        ],
        body: (g, x) =>
          g.add("Gemm", x, { alpha: float(0.5), beta: float(2), transA: int(transA), transB: int(transB) }),
      }),
      24,
    ));

  it("Gemm by a constant", () =>
    checkProperty(fc.tuple(extent, extent, extent, flag, flag), ([m, k, n, transA, transB]) => ({
      shapes: [transA ? [k, m] : [m, k]],
      body: (g, [x = ""]) => {
        const w = g.constant(matrix(7, transB ? [n, k] : [k, n]));
        return g.add("Gemm", [x, w], { alpha: float(0.5), transA: int(transA), transB: int(transB) });
      },
    })));

  it("FusedMatMul", () =>
    checkProperty(fc.tuple(extent, extent, extent, flag, flag), ([m, k, n, transA, transB]) => ({
      shapes: [transA ? [2, k, m] : [2, m, k], transB ? [2, n, k] : [2, k, n]],
      dtype: "float32",
      body: (g, x) =>
        g.add(
          "FusedMatMul",
          x,
          { alpha: float(0.5), transA: int(transA), transB: int(transB) },
          { domain: "com.microsoft" },
        ),
    })));

  it("makes one product of what queries, keys and values give back", () => {
    const g = GraphBuilder.empty("qkv", 20);
    const x = g.input({ name: "x", dtype: "float32", shape: [BATCH, 5, 4] });
    const layer = () =>
      g.add("MatMul", [x, g.constant(float32Tensor([4, 4], new Float32Array(16).fill(0.5)), "w")]);
    const parts = [layer(), layer(), layer()].map((y) => g.add("Mul", [y, y]));
    const y = g.add("Sum", parts);
    const seed = g.input({ name: "seed", dtype: "float32", shape: [BATCH, 5, 4] });
    const { model, gradients: byName } = gradients(modelOf(g.build([y])), {
      of: [{ value: y, seed }],
      wrt: [x],
    });
    const added = GraphBuilder.extending(model)
      .build([byName.get(x) ?? ""])
      .nodes.filter((node) => node.name.startsWith("grad/"));
    expect(added.filter((node) => node.op === "MatMul")).toHaveLength(1);
    expect(added.some((node) => node.op === "Shape")).toBe(false);
  });
});
