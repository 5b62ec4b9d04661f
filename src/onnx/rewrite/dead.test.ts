import { describe, expect, it } from "vitest";
import { removeDead } from "./dead.js";
import { modelOf, operators, weight } from "./testing.js";

describe("removing what is dead", () => {
  const model = modelOf([4], (b, x) => [
    b.add("Relu", [x]),
    b.add("Mul", [x, weight(b, [4])], {}, { outputs: ["spare"] }),
  ]);
  const without = { ...model, graph: { ...model.graph, outputs: model.graph.outputs.slice(0, 1) } };

  it("leaves out nodes and constants that no output needs", () => {
    const { graph } = removeDead(without);
    expect(graph.nodes.map((n) => n.op)).toEqual(["Relu"]);
    expect(graph.constants.size).toBe(0);
  });

  it("leaves values that are to be kept", () => {
    expect(operators(removeDead(without, ["spare"]))).toEqual({ Relu: 1, Mul: 1 });
  });
});
