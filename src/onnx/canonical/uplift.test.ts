import { describe, expect, it } from "vitest";
import { float, int, ints } from "../attributes.js";
import { type Attributes, GraphBuilder } from "../builder.js";
import { BATCH } from "../dim.js";
import { VitreousError } from "../errors.js";
import type { Model } from "../graph.js";
import { opsOf } from "../testing/graphs.js";
import { difference, feedsFor, runModel } from "../testing/run.js";
import { canonicalise } from "./canonicalise.js";

/** One operator as it is written at an opset. */
function modelAt(opset: number, op: string, attributes: Attributes, outputs = 1): Model {
  const g = GraphBuilder.empty("old", opset);
  const x = g.input({ name: "x", dtype: "float32", shape: [BATCH, 4, 6] });
  const names = g.addMany(op, [x], outputs, attributes);
  return {
    irVersion: 7,
    opsets: new Map([["", opset]]),
    producer: "test",
    metadata: new Map(),
    graph: g.build(names),
    functions: [],
  };
}

const CASES: readonly (readonly [number, string, Attributes, number?])[] = [
  [17, "ReduceMean", { axes: ints([-1]), keepdims: int(0) }],
  [17, "ReduceL2", { axes: ints([1, 2]) }],
  [17, "ReduceMax", {}],
  [12, "ReduceSum", { axes: ints([1]) }],
  [17, "Split", { axis: int(1) }, 2],
  [12, "Split", { axis: int(1), split: ints([1, 3]) }, 2],
  [18, "Split", { axis: int(2), num_outputs: int(3) }, 3],
  [12, "Unsqueeze", { axes: ints([0, 3]) }],
  [12, "Softmax", { axis: int(1) }],
  [12, "Softmax", { axis: int(2) }],
  [11, "LogSoftmax", {}],
  [9, "Slice", { starts: ints([1]), ends: ints([3]), axes: ints([1]) }],
  [10, "Clip", { min: float(-0.5), max: float(0.25) }],
  [10, "Clip", { max: float(0.25) }],
  [10, "Pad", { pads: ints([0, 1, 0, 0, 0, 2]), value: float(3) }],
  [11, "Dropout", { ratio: float(0.5) }],
];

describe("canonicalise", () => {
  const named = CASES.map(
    (c) => [`opset ${c[0]} writes as ${c[1]} with ${Object.keys(c[2]).join(", ")}`, c] as const,
  );

  it.each(named)("lifts what %s", async (_, c) => {
    const model = modelAt(...c);
    const lifted = canonicalise(model);
    expect(lifted.opsets.get("")).toBe(20);
    expect(lifted.irVersion).toBeGreaterThanOrEqual(9);
    for (const node of lifted.graph.nodes) expect(Object.keys(node.attributes)).not.toContain("axes");
    for (const batch of [1, 3]) {
      const feeds = feedsFor(model, batch);
      expect(difference(await runModel(model, feeds), await runModel(lifted, feeds))).toBeLessThan(1e-6);
    }
  });

  it("keeps a later opset", () => {
    expect(canonicalise(modelAt(23, "Relu", {})).opsets.get("")).toBe(23);
  });

  it("lifts the bodies of an If", () => {
    const inner = (axis: number): { readonly kind: "graph"; readonly value: Model["graph"] } => {
      const { graph } = modelAt(17, "ReduceMean", { axes: ints([axis]), keepdims: int(0) });
      return { kind: "graph", value: { ...graph, inputs: [] } };
    };
    const model = modelAt(17, "If", { then_branch: inner(1), else_branch: inner(2) });
    const [node] = canonicalise(model).graph.nodes;
    const body = node?.attributes.then_branch;
    expect(body?.kind === "graph" && body.value.nodes[0]?.inputs).toHaveLength(2);
  });

  it("refuses what is too old in one sentence", () => {
    expect(() => canonicalise(modelAt(9, "Upsample", {}))).toThrow(VitreousError);
    expect(() => canonicalise(modelAt(9, "Upsample", {}))).toThrow(/opset 13 or later/);
  });

  it("writes a Split whose axis is open by the number of its parts", () => {
    const g = GraphBuilder.empty("open", 13);
    const x = g.input({ name: "x", dtype: "float32", shape: [BATCH, null] });
    const parts = g.addMany("Split", [x], 2, { axis: int(1) });
    const model: Model = { ...modelAt(13, "Relu", {}), graph: g.build(parts) };
    const lifted = canonicalise(model);
    expect(opsOf(lifted)).toEqual(["Split"]);
    expect(lifted.graph.nodes[0]?.attributes.num_outputs).toEqual(int(2));
  });
});
