import { describe, expect, it } from "vitest";
import { ints } from "../../onnx/attributes.js";
import { GraphBuilder } from "../../onnx/builder.js";
import { BATCH } from "../../onnx/dim.js";
import { gradients } from "../gradients.js";
import { checkGradient, modelOf } from "../testing/finite-differences.js";

/** q·kᵀ/2 with the transpose written around merged axes, as one exporter does. */
function scores(g: GraphBuilder, q: string, k: string, dims: readonly number[]): string {
  const [n, h, rows, d] = dims;
  const merged = g.add("Reshape", [k, g.ints([-1, rows ?? 0, d ?? 0])], {}, { outputs: ["merged"] });
  const swapped = g.add("Transpose", [merged], { perm: ints([0, 2, 1]) });
  const apart = g.add("Reshape", [swapped, g.ints([n ?? 0, h ?? 0, d ?? 0, rows ?? 0])]);
  return g.add("MatMul", [q, g.add("Mul", [apart, g.float(0.5, g.typeOf(k).dtype)])]);
}

describe("a transpose written around merged axes", () => {
  it("is differentiated rightly", () =>
    checkGradient({
      shapes: [
        [2, 3, 4, 2],
        [2, 3, 5, 2],
      ],
      body: (g, [q = "", k = ""]) => scores(g, q, k, [2, 3, 5, 2]),
    }));

  const added = (wrt: readonly string[]) => {
    const g = GraphBuilder.empty("scores", 20);
    const [q = "", k = ""] = ["q", "k"].map((name) =>
      g.input({ name, dtype: "float32", shape: [BATCH, 3, 5, 2] }),
    );
    const seed = g.input({ name: "seed", dtype: "float32", shape: [BATCH, 3, 5, 5] });
    const y = scores(g, q, k, [-1, 3, 5, 2]);
    const { model, gradients: names } = gradients(modelOf(g.build([y])), { of: [{ value: y, seed }], wrt });
    return GraphBuilder.extending(model).build(wrt.map((name) => names.get(name) ?? ""));
  };

  it("comes back as a product that is not transposed again", () => {
    const { nodes } = added(["k"]);
    expect(nodes.map((node) => node.op)).toEqual(["Transpose", "MatMul", "Mul"]);
  });

  it("keeps its form where a gradient inside it is wanted", () => {
    expect(added(["merged"]).outputs[0]?.shape).toEqual([{ scale: 3, offset: 0 }, 5, 2]);
  });
});
