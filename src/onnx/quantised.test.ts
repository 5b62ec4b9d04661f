import { describe, expect, it } from "vitest";
import { corpus } from "../../test/corpus.js";
import type { Graph, Node } from "./graph.js";
import { readModelFile } from "./node/read-file.js";
import { quantisedNode } from "./quantised.js";

const node = (op: string, domain = ""): Node => ({
  op,
  domain,
  name: op,
  inputs: [],
  outputs: [],
  attributes: {},
});
const graph = (...nodes: Node[]): Graph => ({
  name: "g",
  inputs: [],
  outputs: [],
  nodes,
  constants: new Map(),
  types: new Map(),
});

describe("quantisedNode", () => {
  it.each([
    ["QLinearMatMul", ""],
    ["QLinearConv", ""],
    ["MatMulInteger", ""],
    ["ConvInteger", ""],
    ["DynamicQuantizeLinear", ""],
    ["QuantizeLinear", ""],
    ["DequantizeLinear", ""],
    ["DequantizeLinear", "com.microsoft"],
    ["QLinearAdd", "com.microsoft"],
    ["QAttention", "com.microsoft"],
    ["QGemm", "com.microsoft"],
    ["MatMulIntegerToFloat", "com.microsoft"],
    ["DynamicQuantizeMatMul", "com.microsoft"],
    ["MatMulNBits", "com.microsoft"],
    ["QOrderedMatMul", "com.microsoft"],
  ])("finds %s of domain '%s'", (op, domain) => {
    expect(quantisedNode(graph(node("Add"), node(op, domain)))?.op).toBe(op);
  });

  it.each(["MatMul", "Conv", "Quick", "QuickGelu", "Attention"])("does not take %s for quantised", (op) => {
    expect(quantisedNode(graph(node(op), node(op, "com.microsoft")))).toBeUndefined();
  });

  it("looks into subgraphs", () => {
    const inner = graph(node("ConvInteger"));
    const outer: Node = { ...node("If"), attributes: { then_branch: { kind: "graph", value: inner } } };
    expect(quantisedNode(graph(outer))?.op).toBe("ConvInteger");
  });

  it("tells the corpus's quantised files from the others", async () => {
    for (const file of corpus().flatMap((m) => m.exports)) {
      const found = quantisedNode((await readModelFile(file.path)).model.graph);
      expect([file.path, found !== undefined]).toEqual([file.path, file.quantized]);
    }
  });
});
