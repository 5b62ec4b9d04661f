import { describe, expect, it } from "vitest";
import { string } from "../attributes.js";
import { GraphBuilder } from "../builder.js";
import { canonicalise } from "../canonical/canonicalise.js";
import { BATCH, type Dim } from "../dim.js";
import { parseEquation } from "../einsum.js";
import type { Model } from "../graph.js";
import { opsOf } from "../testing/graphs.js";
import { difference, feedsFor, runModel } from "../testing/run.js";

/** "n" is the batch. */
const EXTENTS: Readonly<Record<string, Dim>> = { n: BATCH, h: 2, i: 3, j: 5, k: 4, d: 6, e: 2 };

function modelOf(equation: string): Model {
  const g = GraphBuilder.empty();
  const names = parseEquation(equation).inputs.map((term, i) =>
    g.input({ name: `x${i}`, dtype: "float32", shape: [...term].map((label) => EXTENTS[label] ?? null) }),
  );
  g.add("Einsum", names, { equation: string(equation) }, { outputs: ["y"] });
  const opsets = new Map([["", g.opset]]);
  return { irVersion: 9, opsets, producer: "", metadata: new Map(), graph: g.build(["y"]), functions: [] };
}

/** The operators of the expansion, once it was seen to compute the same. */
async function expanded(equation: string): Promise<readonly string[]> {
  const model = modelOf(equation);
  const plain = canonicalise(model);
  const feeds = feedsFor(model, 2);
  expect(difference(await runModel(model, feeds), await runModel(plain, feeds))).toBeLessThan(1e-6);
  return opsOf(plain);
}

describe("Einsum", () => {
  it.each([
    ["nhid,nhjd->nhij", ["Transpose", "MatMul"]],
    ["nhij,nhjd->nhid", ["MatMul"]],
    ["nik,kd->nid", ["MatMul"]],
    ["nid,dhe->nihe", ["Reshape", "MatMul", "Reshape"]],
    ["nihe,hed->nid", ["Reshape", "Reshape", "MatMul"]],
    ["njhd,nihd->nhij", ["Transpose", "Transpose", "MatMul"]],
    ["nhij,njhd->nihd", ["Transpose", "MatMul", "Transpose"]],
    ["nij,kj->nik", ["Transpose", "MatMul"]],
    ["ni,ni->n", ["Reshape", "Reshape", "MatMul", "Reshape"]],
    ["ni,j->nij", ["Reshape", "Reshape", "MatMul"]],
    ["nij,nk->nk", ["ReduceSum", "Reshape", "Reshape", "MatMul", "Reshape"]],
    ["nij,ni->nij", ["Reshape", "Reshape", "MatMul", "Reshape"]],
    ["nij->nji", ["Transpose"]],
    ["nij->n", ["ReduceSum"]],
    ["nij->jn", ["ReduceSum", "Transpose"]],
    ["nij->nij", ["Identity"]],
    ["ij,jk", ["MatMul"]],
  ])("%s is a product of matrices", async (equation, ops) => {
    const found = await expanded(equation);
    expect([...found].sort()).toEqual([...ops].sort());
  });

  it("has the operand on the left whose labels come first, as attention has its queries", async () => {
    const [product] = canonicalise(modelOf("njhd,nihd->nhij")).graph.nodes.filter((n) => n.op === "MatMul");
    const graph = canonicalise(modelOf("njhd,nihd->nhij")).graph;
    const left = graph.nodes.find((n) => n.outputs[0] === product?.inputs[0]);
    expect(left?.inputs).toEqual(["x1"]);
  });

  it.each(["ii->i", "...i,ij->...j", "ni,nj,nk->nijk"])("%s is left as it is", (equation) => {
    expect(opsOf(canonicalise(modelOf(equation)))).toEqual(["Einsum"]);
  });
});
