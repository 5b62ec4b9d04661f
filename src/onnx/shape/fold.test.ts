import { describe, expect, it } from "vitest";
import { int, ints } from "../attributes.js";
import { GraphBuilder } from "../builder.js";
import { BATCH } from "../dim.js";
import type { Graph, Model } from "../graph.js";
import { float32Tensor } from "../tensor.js";
import { modelFrom, opsOf } from "../testing/graphs.js";
import { difference, feedsFor, noise, runModel } from "../testing/run.js";
import { foldConstants } from "./fold.js";

async function same(model: Model, batches: readonly number[] = [1, 3]): Promise<void> {
  const folded = foldConstants(model);
  for (const batch of batches) {
    const feeds = feedsFor(model, batch);
    expect(difference(await runModel(model, feeds), await runModel(folded, feeds))).toBe(0);
  }
}

/** One element of the shape of a value, as the legacy exporter takes it. */
const sizeOf = (g: GraphBuilder, x: string, axis: number): string =>
  g.add("Gather", [g.add("Shape", [x]), g.int(axis)], { axis: int(0) });

const vector = (g: GraphBuilder, parts: readonly string[]): string =>
  g.add(
    "Concat",
    parts.map((part) => g.add("Unsqueeze", [part, g.ints([0])])),
    { axis: int(0) },
  );

describe("foldConstants", () => {
  it("turns a computed Reshape target into a constant one", async () => {
    const model = modelFrom([BATCH, 6, 8], (g, x) => {
      const half = g.add("Div", [sizeOf(g, x, 2), g.int(2)]);
      return g.add("Reshape", [x, vector(g, [sizeOf(g, x, 0), sizeOf(g, x, 1), half, g.int(2)])]);
    });
    const { graph } = foldConstants(model);
    expect(graph.nodes.map((node) => node.op)).toEqual(["Reshape"]);
    expect(graph.types.get(graph.outputs[0]?.name ?? "")?.shape).toEqual([BATCH, 6, 4, 2]);
    await same(model);
  });

  it("keeps a target that two open dimensions need only where they are copied", async () => {
    const model = modelFrom([BATCH, null, 8], (g, x) =>
      g.add("Reshape", [x, vector(g, [sizeOf(g, x, 0), sizeOf(g, x, 1), g.int(2), g.int(4)])]),
    );
    const folded = foldConstants(model);
    expect(opsOf(folded)).toEqual(["Reshape"]);
    expect(folded.graph.outputs[0]?.shape).toEqual([BATCH, null, 2, 4]);
    await same(model);
  });

  it("decides what the exporter asks of sizes, since a batch has at least one image", async () => {
    const model = modelFrom([BATCH, 1, 4], (g, x) => {
      const wanted = vector(g, [sizeOf(g, x, 0), g.int(-1), g.int(4)]);
      const open = g.add("Equal", [wanted, g.ints([-1])]);
      const target = g.add("Where", [open, g.ints([1]), wanted]);
      return g.add("Expand", [g.constant(float32Tensor([1, 1, 4], noise(4))), target]);
    });
    expect(opsOf(foldConstants(model))).toEqual(["Shape", "Concat", "Expand"]);
    await same(model);
  });

  it("makes functions of the batch once", async () => {
    const model = modelFrom([BATCH, 4], (g, x) => {
      const double = (): string => vector(g, [g.add("Mul", [sizeOf(g, x, 0), g.int(2)]), g.int(3)]);
      const filled = [double(), double()].map((shape) => g.add("ConstantOfShape", [shape]));
      return g.add("Concat", filled, { axis: int(0) });
    });
    const ops = opsOf(foldConstants(model));
    expect(ops.filter((op) => op === "Shape")).toHaveLength(1);
    expect(ops.filter((op) => op === "Mul")).toHaveLength(1);
    await same(model);
  });

  it("hands out sizes that are outputs themselves", async () => {
    const model = modelFrom([BATCH, 4], (g, x) => [g.add("Relu", [x]), sizeOf(g, x, 0), sizeOf(g, x, 1)]);
    expect(foldConstants(model).graph.outputs.map((o) => o.name)).toEqual(
      model.graph.outputs.map((o) => o.name),
    );
    await same(model);
  });

  it("rounds sizes divided in floating point", async () => {
    const model = modelFrom([BATCH, 3, 10], (g, x) => {
      const real = g.add("Cast", [sizeOf(g, x, 2)], { to: int(1) });
      const up = g.add("Ceil", [g.add("Div", [real, g.float(4)])]);
      const whole = g.add("Cast", [g.add("Mul", [up, g.float(2)])], { to: int(7) });
      return g.add("Slice", [x, g.ints([0]), g.add("Unsqueeze", [whole, g.ints([0])]), g.ints([2])]);
    });
    expect(opsOf(foldConstants(model))).toEqual(["Slice"]);
    expect(foldConstants(model).graph.outputs[0]?.shape).toEqual([BATCH, 3, 6]);
    await same(model);
  });

  it("takes the branch of an If whose condition is known", async () => {
    const branch = (op: string): Graph => {
      const inner = GraphBuilder.empty(op);
      const value = inner.add(op, ["relu"], {}, { outputs: ["same_name"] });
      return {
        ...inner.build([value]),
        nodes: [{ op, domain: "", name: op, inputs: ["relu"], outputs: [value], attributes: {} }],
      };
    };
    const model = modelFrom([BATCH, 4], (g, x) => {
      const relu = g.add("Relu", [x], {}, { outputs: ["relu"] });
      const condition = g.add("Equal", [sizeOf(g, relu, 1), g.int(4)]);
      const attributes = {
        then_branch: { kind: "graph", value: branch("Neg") },
        else_branch: { kind: "graph", value: branch("Abs") },
      } as const;
      const first = g.add("If", [condition], attributes);
      return g.add("Add", [first, g.add("If", [condition], attributes)]);
    });
    expect(opsOf(foldConstants(model))).toEqual(["Relu", "Neg", "Neg", "Add"]);
    await same(model);
  });

  it("removes what hands its input on", async () => {
    const model = modelFrom([BATCH, 4], (g, x) => {
      const chain = [
        (v: string) => g.add("Identity", [v]),
        (v: string) => g.add("Cast", [v], { to: int(1) }),
        (v: string) => g.add("Dropout", [v]),
        (v: string) => g.add("Reshape", [v, g.ints([-1, 4])]),
        (v: string) => g.add("Transpose", [v], { perm: ints([0, 1]) }),
        (v: string) => g.add("Slice", [v, g.ints([0]), g.ints([9]), g.ints([1])]),
        (v: string) => g.add("Concat", [v], { axis: int(1) }),
        (v: string) => g.add("Relu", [v]),
      ];
      return chain.reduce((value, next) => next(value), x);
    });
    expect(opsOf(foldConstants(model))).toEqual(["Relu"]);
    await same(model);
  });

  it("keeps a Slice that turns its input round", async () => {
    const model = modelFrom([BATCH, 4], (g, x) =>
      g.add("Slice", [x, g.ints([-1]), g.ints([-9]), g.ints([1]), g.ints([-1])]),
    );
    expect(opsOf(foldConstants(model))).toEqual(["Slice"]);
    await same(model);
  });

  it("keeps the names of inputs and outputs, and an output that is an input's second name", async () => {
    const model = modelFrom([BATCH, 4], (g, x) => g.add("Identity", [x], {}, { outputs: ["logits"] }));
    expect(foldConstants(model).graph.outputs[0]?.name).toBe("logits");
    await same(model);
  });

  it("does not lay out large weights anew", () => {
    const model = modelFrom([BATCH, 300], (g, x) => {
      const weight = g.constant(float32Tensor([300, 300], new Float32Array(90_000)));
      const small = g.constant(float32Tensor([30, 300], new Float32Array(9000)));
      const turned = [weight, small].map((w) => g.add("Transpose", [w], { perm: ints([1, 0]) }));
      return turned.map((w) => g.add("MatMul", [x, w]));
    });
    expect(opsOf(foldConstants(model))).toEqual(["Transpose", "MatMul", "MatMul"]);
  });

  it("leaves operators nobody knows where they are, and what they read", () => {
    const model = modelFrom([BATCH, 4], (g, x) =>
      g.add("Mystery", [x, vector(g, [sizeOf(g, x, 0), g.int(2)])], {}, { domain: "org.example" }),
    );
    expect(opsOf(foldConstants(model))).toEqual(["Shape", "Concat", "Mystery"]);
  });
});
