import * as ort from "onnxruntime-node";
import { describe, expect, it } from "vitest";
import { type CorpusExport, type CorpusModel, corpus, goldenFloats } from "../../test/corpus.js";
import { float32ToBfloat16, float32ToFloat16 } from "./float16.js";
import type { Graph, Model, Node, Tensor } from "./graph.js";
import { widenHalf } from "./half.js";
import { readModelFile } from "./node/read-file.js";
import { float32Tensor, tensorToNumbers } from "./tensor.js";
import { runModel } from "./testing/run.js";

const half = (...values: number[]): Tensor => ({
  dtype: "float16",
  dims: [values.length],
  bytes: new Uint8Array(Uint16Array.from(values, float32ToFloat16).buffer),
});

const brain = (...values: number[]): Tensor => ({
  dtype: "bfloat16",
  dims: [values.length],
  bytes: new Uint8Array(Uint16Array.from(values, float32ToBfloat16).buffer),
});

const node = (
  op: string,
  inputs: string[],
  outputs: string[],
  attributes: Node["attributes"] = {},
): Node => ({
  op,
  domain: "",
  name: `${op}_${outputs.join()}`,
  inputs,
  outputs,
  attributes,
});

function modelOf(graph: Partial<Graph>): Model {
  return {
    irVersion: 8,
    opsets: new Map([["", 17]]),
    producer: "",
    metadata: new Map(),
    functions: [],
    graph: {
      name: "g",
      inputs: [{ name: "x", dtype: "float16", shape: [2] }],
      outputs: [{ name: "y", dtype: "float16", shape: [2] }],
      nodes: [],
      constants: new Map(),
      types: new Map(),
      ...graph,
    },
  };
}

describe("widenHalf", () => {
  it("widens inputs, outputs, constants, casts and fills, in subgraphs too", async () => {
    const branch = (value: number): Graph => ({
      name: "b",
      inputs: [],
      outputs: [{ name: "b", dtype: "float16", shape: [2] }],
      nodes: [node("Add", ["filled", "k"], ["b"])],
      constants: new Map([["k", half(value, value)]]),
      types: new Map(),
    });
    const model = modelOf({
      constants: new Map([
        ["two", { dtype: "int64", dims: [1], bytes: new Uint8Array(BigInt64Array.of(2n).buffer) }],
        ["yes", { dtype: "bool", dims: [], bytes: Uint8Array.of(1) }],
        ["w", half(1.5, -65504)],
        ["v", brain(2, -Infinity)],
      ]),
      nodes: [
        node("Cast", ["x"], ["single"], { to: { kind: "int", value: 1 } }),
        node("Cast", ["single"], ["back"], { to: { kind: "int", value: 10 } }),
        node("Cast", ["v"], ["v16"], { to: { kind: "int", value: 10 } }),
        node("ConstantOfShape", ["two"], ["filled"], { value: { kind: "tensor", value: half(0.25) } }),
        node("If", ["yes"], ["chosen"], {
          then_branch: { kind: "graph", value: branch(1) },
          else_branch: { kind: "graph", value: branch(2) },
        }),
        node("Mul", ["back", "chosen"], ["product"]),
        node("Add", ["product", "w"], ["sum"]),
        node("Max", ["sum", "v16"], ["y"]),
      ],
    });
    const wide = widenHalf(model);
    expect(wide.graph.inputs[0]?.dtype).toBe("float32");
    expect(wide.graph.outputs[0]?.dtype).toBe("float32");
    expect([...wide.graph.constants.values()].map((t) => t.dtype)).toEqual([
      "int64",
      "bool",
      "float32",
      "float32",
    ]);
    const mask = wide.graph.constants.get("w");
    expect(mask && tensorToNumbers(mask)).toEqual([1.5, -65504]);
    const { y } = await runModel(wide, { x: new ort.Tensor("float32", Float32Array.of(4, 8), [2]) });
    expect([...(y?.data ?? [])]).toEqual([6.5, -65494]);
  });

  it("leaves a model without half precision as it is, and its own result too", () => {
    const plain = modelOf({
      inputs: [{ name: "x", dtype: "float32", shape: [1] }],
      outputs: [{ name: "y", dtype: "float32", shape: [1] }],
      nodes: [
        node("Add", ["x", "w"], ["y"]),
        node("LayerNormalization", ["y"], ["z"], { axis: { kind: "int", value: 10 } }),
      ],
      constants: new Map([["w", float32Tensor([1], [1])]]),
    });
    expect(widenHalf(plain)).toBe(plain);
    const wide = widenHalf(modelOf({ constants: new Map([["w", half(1)]]) }));
    expect(widenHalf(wide)).toBe(wide);
  });
});

const halves: [string, CorpusModel, CorpusExport][] = corpus().flatMap((m) =>
  m.exports
    .filter((e) => e.half)
    .map((e): [string, CorpusModel, CorpusExport] => [`${m.name}/${e.name}`, m, e]),
);

describe.each(halves)("%s, widened", (_, subject, file) => {
  it("gives the logits of the model in single precision to 5e-3", async () => {
    const model = widenHalf((await readModelFile(file.path)).model);
    const pixels = goldenFloats(subject, "input");
    const logits = goldenFloats(subject, "logits");
    const [height, width] = subject.image;
    const images = file.batch === 1 ? 1 : 2;
    const input = new ort.Tensor("float32", pixels.slice(0, images * 3 * height * width), [
      images,
      3,
      height,
      width,
    ]);
    const [output] = Object.values(await runModel(model, { [file.input]: input }));
    const scale = logits.reduce((max, v) => Math.max(max, Math.abs(v)), 0);
    const worst = (output?.data ?? new Float32Array(0)).reduce(
      (max, v, i) => Math.max(max, Math.abs(v - (logits[i] ?? Number.NaN))),
      0,
    );
    expect(worst / scale).toBeLessThan(5e-3);
    expect(worst).toBeGreaterThan(0);
  });
});
