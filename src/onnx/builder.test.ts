import { describe, expect, it } from "vitest";
import { float, int, ints } from "./attributes.js";
import { GraphBuilder } from "./builder.js";
import { BATCH } from "./dim.js";

const image = { name: "image", dtype: "float32", shape: [BATCH, 3, 32, 32] } as const;

describe("GraphBuilder", () => {
  it("knows the type of each value as soon as it is made", () => {
    const g = GraphBuilder.empty();
    const x = g.input(image);
    const flat = g.add("Reshape", [x, g.ints([0, 3, -1])]);
    const turned = g.add("Transpose", [flat], { perm: ints([0, 2, 1]) });
    expect(g.typeOf(turned)).toEqual({ dtype: "float32", shape: [BATCH, 1024, 3] });
    expect(g.shapeOf(g.add("ReduceMean", [turned, g.ints([1])], { keepdims: int(0) }))).toEqual([BATCH, 3]);
  });

  it("gives fresh names and keeps the ones it is told", () => {
    const g = GraphBuilder.empty();
    const x = g.input(image);
    expect([g.add("Relu", [x]), g.add("Relu", [x])]).toEqual(["Relu", "Relu_1"]);
    expect(g.add("Relu", [x], {}, { outputs: ["mine"] })).toBe("mine");
    expect(g.fresh("mine")).toBe("mine_1");
  });

  it("adds a small constant once", () => {
    const g = GraphBuilder.empty();
    expect(g.ints([1, 2])).toBe(g.ints([1, 2]));
    expect(g.float(1)).not.toBe(g.float(1, "float64"));
    expect(g.int(1)).not.toBe(g.ints([1]));
  });

  it("builds only what the outputs need", () => {
    const g = GraphBuilder.empty();
    const x = g.input(image);
    const kept = g.add("LeakyRelu", [x], { alpha: float(0.1) });
    g.add("Add", [x, g.float(3)]);
    const graph = g.build([kept]);
    expect(graph.nodes.map((node) => node.op)).toEqual(["LeakyRelu"]);
    expect(graph.constants.size).toBe(0);
    expect(graph.outputs).toEqual([{ ...image, name: kept }]);
  });

  it("makes several outputs and follows sizes through them", () => {
    const g = GraphBuilder.empty();
    const x = g.input(image);
    const parts = g.addMany("Split", [x, g.ints([1, 2])], 2, { axis: int(1) });
    expect(parts.map((part) => g.shapeOf(part))).toEqual([
      [BATCH, 1, 32, 32],
      [BATCH, 2, 32, 32],
    ]);
  });

  it("leaves outputs of unknown operators unknown", () => {
    const g = GraphBuilder.empty();
    const x = g.input(image);
    expect(g.typeOf(g.add("Mystery", [x], {}, { domain: "com.example" }))).toEqual({
      dtype: "other",
      shape: undefined,
    });
  });

  it("follows shape arithmetic symbolically", () => {
    const g = GraphBuilder.empty();
    const x = g.input(image);
    const n = g.add("Gather", [g.add("Shape", [x]), g.int(0)], { axis: int(0) });
    const four = g.add("Unsqueeze", [g.add("Mul", [n, g.int(4)]), g.ints([0])]);
    const target = g.add("Concat", [four, g.ints([-1])], { axis: int(0) });
    expect(g.contentOf(target)).toEqual([{ scale: 4, offset: 0 }, -1]);
    expect(g.shapeOf(g.add("Reshape", [x, target]))).toEqual([{ scale: 4, offset: 0 }, 768]);
  });
});
