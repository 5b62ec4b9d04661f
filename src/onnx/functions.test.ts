import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import * as ort from "onnxruntime-node";
import { describe, expect, it } from "vitest";
import { VitreousError } from "./errors.js";
import { inlineFunctions } from "./functions.js";
import type { LocalFunction, Model, Node } from "./graph.js";
import { readModel } from "./read.js";
import { runModel } from "./testing/run.js";

const FIXTURES = fileURLToPath(new URL("../../test/fixtures/onnx", import.meta.url));

interface Golden {
  readonly feeds: Readonly<Record<string, { readonly dims: number[]; readonly data: number[] }>>;
  readonly output: readonly number[];
}

function fixture(name: string): { readonly model: Model; readonly golden: Golden } {
  const golden: Golden = JSON.parse(readFileSync(`${FIXTURES}/${name}.json`, "utf8"));
  return { model: readModel(new Uint8Array(readFileSync(`${FIXTURES}/${name}.onnx`))), golden };
}

const node = (op: string, inputs: string[], outputs: string[], name = op): Node => ({
  op,
  domain: op.startsWith("f") ? "d" : "",
  name,
  inputs,
  outputs,
  attributes: {},
});

const fn = (name: string, nodes: Node[]): LocalFunction => ({
  domain: "d",
  name,
  overload: "",
  inputs: ["x"],
  outputs: ["y"],
  attributes: [],
  defaults: {},
  nodes,
  opsets: new Map([
    ["", 18],
    ["extra", 3],
  ]),
});

const modelWith = (functions: LocalFunction[]): Model => ({
  irVersion: 10,
  opsets: new Map([["", 18]]),
  producer: "",
  metadata: new Map(),
  functions,
  graph: {
    name: "g",
    inputs: [{ name: "in", dtype: "float32", shape: [1] }],
    outputs: [{ name: "out", dtype: "float32", shape: [1] }],
    nodes: [{ ...node("f0", ["in"], ["out"], "call"), scope: "m.blocks.0" }],
    constants: new Map(),
    types: new Map(),
  },
});

describe("inlineFunctions", () => {
  it.each(["functions-nested", "functions-odd", "functions-overloaded"])(
    "computes what %s computes, without functions",
    async (name) => {
      const { model, golden } = fixture(name);
      expect(model.functions.length).toBeGreaterThan(3);
      const inlined = inlineFunctions(model);
      expect(inlined.functions).toEqual([]);
      expect(inlined.graph.nodes.every((n) => n.domain === "")).toBe(true);
      const names = inlined.graph.nodes.map((n) => n.name);
      expect(new Set(names).size).toBe(names.length);
      const feeds = Object.fromEntries(
        Object.entries(golden.feeds).map(([key, { dims, data }]) => [
          key,
          new ort.Tensor("float32", Float32Array.from(data), dims),
        ]),
      );
      const [output] = Object.values(await runModel(inlined, feeds));
      for (const [i, value] of golden.output.entries()) expect(output?.data[i]).toBeCloseTo(value, 5);
    },
  );

  it("names nodes and values by the call, and gives them its scope", () => {
    const body = [node("Neg", ["x"], ["t"]), node("Abs", ["t"], ["y"])];
    const { graph, opsets } = inlineFunctions(modelWith([fn("f0", body)]));
    expect(graph.nodes.map((n) => [n.name, n.scope])).toEqual([
      ["call/Neg", "m.blocks.0"],
      ["call/Abs", "m.blocks.0"],
    ]);
    expect(graph.nodes[0]?.outputs).toEqual(["call/t"]);
    expect(graph.nodes[1]?.outputs).toEqual(["out"]);
    expect(opsets.get("extra")).toBe(3);
  });

  it("leaves a model without functions as it is", () => {
    const model = modelWith([]);
    expect(inlineFunctions(model)).toBe(model);
  });

  it("refuses a function that calls itself, also by way of another", () => {
    const loop = [fn("f0", [node("f1", ["x"], ["y"])]), fn("f1", [node("f0", ["x"], ["y"])])];
    expect(() => inlineFunctions(modelWith(loop))).toThrow(/"f0" calls itself/);
  });

  it("refuses functions that multiply without end, before memory is full", () => {
    const many = Array.from({ length: 40 }, (_, i) =>
      fn(
        `f${i}`,
        i === 39
          ? [node("Neg", ["x"], ["y"])]
          : [node(`f${i + 1}`, ["x"], ["t"], "a"), node(`f${i + 1}`, ["t"], ["y"], "b")],
      ),
    );
    expect(() => inlineFunctions(modelWith(many))).toThrow(/expand to more than/);
  });

  it("says when a body reads a value that nothing defines", () => {
    const lost = modelWith([fn("f0", [node("Add", ["x", "lost"], ["y"])])]);
    expect(() => inlineFunctions(lost)).toThrow(VitreousError);
    expect(() => inlineFunctions(lost)).toThrow(/needs the value "call\/lost"/);
  });
});
