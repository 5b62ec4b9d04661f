import { describe, expect, it } from "vitest";
import { int } from "../onnx/attributes.js";
import { GraphBuilder } from "../onnx/builder.js";
import { BATCH } from "../onnx/dim.js";
import { VitreousError } from "../onnx/errors.js";
import { gradients } from "./gradients.js";
import { operatorsWithRules } from "./registry.js";
import { modelOf } from "./testing/finite-differences.js";

const SHAPE = [BATCH, 3] as const;

/** A graph over the input x with a seed of x's shape; the output is what `body` gives. */
function build(body: (g: GraphBuilder, x: string) => string) {
  const g = GraphBuilder.empty("test", 20);
  const x = g.input({ name: "x", dtype: "float32", shape: SHAPE });
  g.input({ name: "seed", dtype: "float32", shape: SHAPE });
  const y = body(g, x);
  return { model: modelOf(g.build([y])), of: [{ value: y, seed: "seed" }] };
}

describe("gradients", () => {
  it("leaves outputs and old values as they are, and types the new ones", () => {
    const { model, of } = build((g, x) => g.add("Exp", [x], {}, { outputs: ["y"] }));
    const result = gradients(model, { of, wrt: ["x"] });
    expect(result.model.graph.outputs).toEqual(model.graph.outputs);
    expect(result.model.graph.nodes.slice(0, 1)).toEqual(model.graph.nodes);
    const gradient = result.gradients.get("x") ?? "";
    expect(result.model.graph.types.get(gradient)).toEqual({ dtype: "float32", shape: SHAPE });
  });

  it("differentiates only what lies between", () => {
    const { model, of } = build((g, x) => {
      const early = g.add("Tan", [g.add("Tan", [x])], {}, { outputs: ["early"] });
      return g.add("Add", [g.add("Exp", [early]), g.add("Tan", [g.float(1)])]);
    });
    const { model: result } = gradients(model, { of, wrt: ["early"] });
    const added = result.graph.nodes.slice(model.graph.nodes.length).map((node) => node.op);
    expect(added).toEqual(["Mul"]);
  });

  it("gives the gradients of values that lie upstream of each other", () => {
    const { model, of } = build((g, x) => {
      const a = g.add("Exp", [x], {}, { outputs: ["a"] });
      return g.add("Exp", [g.add("Sin", [a], {}, { outputs: ["b"] })]);
    });
    const { gradients: names, zero } = gradients(model, { of, wrt: ["a", "b", "x"] });
    expect(new Set(names.values()).size).toBe(3);
    expect(zero).toEqual([]);
  });

  it("gives zeros for a value that the output does not depend on, and says so", () => {
    const { model, of } = build((g, x) => {
      g.add("Sin", [x], {}, { outputs: ["aside"] });
      return g.add("Exp", [x]);
    });
    const withAside = {
      ...model,
      graph: { ...model.graph, nodes: [...model.graph.nodes, node("Sin", ["x"], "aside")] },
    };
    const { gradients: names, zero, model: result } = gradients(withAside, { of, wrt: ["aside"] });
    expect(zero).toEqual(["aside"]);
    const { shape } = result.graph.types.get(names.get("aside") ?? "") ?? {};
    expect(shape).toEqual(SHAPE);
  });

  it("is zero through rounding and comparisons", () => {
    const { model, of } = build((g, x) => g.add("Round", [x]));
    expect(gradients(model, { of, wrt: ["x"] }).zero).toEqual(["x"]);
  });

  it("adds up what several readers give back", () => {
    const { model, of } = build((g, x) => g.add("Add", [g.add("Add", [x, x]), x]));
    const { gradients: names } = gradients(model, { of, wrt: ["x"] });
    expect(names.get("x")).toBeDefined();
  });

  it("names operator, domain and node where there is no rule", () => {
    const { model, of } = build((g, x) =>
      g.add("Mystery", [x], {}, { domain: "com.example", name: "blocks.3" }),
    );
    const attempt = () => gradients(model, { of, wrt: ["x"] });
    expect(attempt).toThrow(VitreousError);
    expect(attempt).toThrow(/Mystery \(com\.example\) at node "blocks\.3".*no gradient still work/);
  });

  it("does not mind such an operator beside the path", () => {
    const { model, of } = build((g, x) => g.add("Exp", [x]));
    const nodes = [...model.graph.nodes, { ...node("Mystery", ["x"], "aside"), domain: "com.example" }];
    expect(gradients({ ...model, graph: { ...model.graph, nodes } }, { of, wrt: ["x"] }).zero).toEqual([]);
  });

  it("refuses a quantised path, even through integers", () => {
    const { model, of } = build((g, x) => {
      const [q = "", scale = ""] = g.addMany("DynamicQuantizeLinear", [x], 3);
      return g.add("Mul", [g.add("Cast", [q], { to: int(1) }), scale]);
    });
    expect(() => gradients(model, { of, wrt: ["x"] })).toThrow(/DynamicQuantizeLinear.*quantised/);
  });

  it("refuses names that are not there, and integers", () => {
    const { model, of } = build((g, x) =>
      g.add("Cast", [g.add("Cast", [x], { to: int(7) }, { outputs: ["whole"] })], { to: int(1) }),
    );
    expect(() => gradients(model, { of, wrt: ["nowhere"] })).toThrow(/no value "nowhere"/);
    expect(() => gradients(model, { of, wrt: ["whole"] })).toThrow(/"whole" is int64/);
  });

  it("has a rule for what transformers are made of", () => {
    expect(operatorsWithRules()).toEqual(
      expect.arrayContaining([
        "Add",
        "Conv",
        "Gather",
        "Gelu",
        "LayerNormalization",
        "MatMul",
        "Slice",
        "Softmax",
      ]),
    );
  });
});

function node(op: string, inputs: readonly string[], output: string) {
  return { op, domain: "", name: output, inputs, outputs: [output], attributes: {} };
}
