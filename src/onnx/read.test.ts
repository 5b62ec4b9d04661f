import { describe, expect, it } from "vitest";
import {
  type AttributeInit,
  externalTensor,
  protoModel,
  protoNode,
  rawTensor,
  tensorBytes,
  tinyGraph,
  valueInfo,
} from "../../test/proto-model.js";
import { BATCH } from "./dim.js";
import { VitreousError } from "./errors.js";
import type { Graph } from "./graph.js";
import { AttributeProto_AttributeType as Kind } from "./proto/generated/onnx_pb.js";
import { readModel } from "./read.js";
import { tensorToInts, tensorToNumbers } from "./tensor.js";

const floats = (...values: number[]): Uint8Array => new Uint8Array(Float32Array.from(values).buffer);
const w = rawTensor("w", [4], floats(1, 2, 3, 4));
const read = (bytes: Uint8Array): Graph => readModel(bytes).graph;
const text = (s: string): Uint8Array => new TextEncoder().encode(s);

function message(bytes: Uint8Array): string {
  try {
    readModel(bytes);
  } catch (error) {
    expect(error).toBeInstanceOf(VitreousError);
    return error instanceof Error ? error.message : "";
  }
  throw new Error("it was read");
}

describe("readModel", () => {
  it("keeps raw weights as views into the file", () => {
    const bytes = protoModel(tinyGraph([w]));
    const constant = read(bytes).constants.get("w");
    expect(constant?.bytes.buffer).toBe(bytes.buffer);
    expect(constant && tensorToNumbers(constant)).toEqual([1, 2, 3, 4]);
  });

  it("keeps packed float_data as a view, too", () => {
    const bytes = protoModel(
      tinyGraph([tensorBytes({ name: "w", dims: [4n], dataType: 1, floatData: [1, 2, 3, 4] })]),
    );
    const constant = read(bytes).constants.get("w");
    expect(constant?.bytes.buffer).toBe(bytes.buffer);
    expect(constant && tensorToNumbers(constant)).toEqual([1, 2, 3, 4]);
  });

  it.each([
    ["double_data", { dataType: 11, doubleData: [1.5, -2] }, [1.5, -2]],
    ["int64_data", { dataType: 7, int64Data: [-1n, 2n ** 40n] }, [-1, 2 ** 40]],
    ["int32_data", { dataType: 6, int32Data: [-5, 7] }, [-5, 7]],
    ["int32_data holding int8", { dataType: 3, int32Data: [-128, 127] }, [-128, 127]],
    ["int32_data holding uint8", { dataType: 2, int32Data: [255, 1] }, [255, 1]],
    ["int32_data holding uint16", { dataType: 4, int32Data: [65535, 1] }, [65535, 1]],
    ["int32_data holding bool", { dataType: 9, int32Data: [1, 0] }, [1, 0]],
    ["int32_data holding float16 bits", { dataType: 10, int32Data: [0x3c00, 0xfbff] }, [1, -65504]],
    ["int32_data holding bfloat16 bits", { dataType: 16, int32Data: [0x3f80, 0xff80] }, [1, -Infinity]],
    ["uint64_data", { dataType: 13, uint64Data: [1n, 2n ** 50n] }, [1, 2 ** 50]],
    ["uint64_data holding uint32", { dataType: 12, uint64Data: [1n, 2n ** 32n - 1n] }, [1, 2 ** 32 - 1]],
  ])("reads %s", (_, init, expected) => {
    const extra = tensorBytes({ name: "t", dims: [2n], ...init });
    const constant = read(protoModel(tinyGraph([w, extra]))).constants.get("t");
    expect(constant && tensorToNumbers(constant)).toEqual(expected);
  });

  it("reads unpacked numbers, which old writers produce", () => {
    // field 4 (float_data), wire type 5, twice; dims [2], type 1, name "t".
    const one = [0x25, 0, 0, 0x80, 0x3f];
    const bytes = Uint8Array.from([0x08, 2, 0x10, 1, ...one, ...one, 0x42, 1, 0x74]);
    const constant = read(protoModel(tinyGraph([w, bytes]))).constants.get("t");
    expect(constant && tensorToNumbers(constant)).toEqual([1, 1]);
  });

  it("reads strings", () => {
    const t = tensorBytes({ name: "t", dims: [2n], dataType: 8, stringData: [text("a"), text("ß")] });
    expect(read(protoModel(tinyGraph([w, t]))).constants.get("t")?.strings).toEqual(["a", "ß"]);
  });

  it("drops initialisers from the inputs", () => {
    const graph = read(protoModel(tinyGraph([w], { input: [valueInfo("x"), valueInfo("w")] })));
    expect(graph.inputs.map((i) => i.name)).toEqual(["x"]);
  });

  it("makes constants of Constant nodes, whatever form their value has", () => {
    const forms: [string, AttributeInit][] = [
      ["tensor", { name: "value", type: Kind.TENSOR, t: rawTensor("", [1], floats(7)) }],
      ["int", { name: "value_int", type: Kind.INT, i: 3n }],
      ["ints", { name: "value_ints", type: Kind.INTS, ints: [1n, -2n] }],
      ["float", { name: "value_float", type: Kind.FLOAT, f: 0.5 }],
      ["floats", { name: "value_floats", type: Kind.FLOATS, floats: [0.5, 2] }],
      ["string", { name: "value_string", type: Kind.STRING, s: text("s") }],
      ["strings", { name: "value_strings", type: Kind.STRINGS, strings: [text("s"), text("t")] }],
    ];
    const nodes = forms.map(([name, attribute]) => protoNode("Constant", [], [name], [attribute]));
    const graph = read(protoModel(tinyGraph([w], { node: [...nodes, protoNode("Add", ["x", "w"], ["y"])] })));
    expect(graph.nodes.map((n) => n.op)).toEqual(["Add"]);
    const get = (name: string) => graph.constants.get(name);
    expect(get("tensor")?.dims).toEqual([1]);
    expect(get("int")).toMatchObject({ dtype: "int64", dims: [] });
    expect(get("ints")?.dims).toEqual([2]);
    expect(get("float")).toMatchObject({ dtype: "float32", dims: [] });
    expect(get("floats")?.dims).toEqual([2]);
    expect(get("string")?.strings).toEqual(["s"]);
    expect(get("strings")?.strings).toEqual(["s", "t"]);
    const ints = get("ints");
    expect(ints && tensorToInts(ints)).toEqual([1, -2]);
  });

  it("puts nodes in order, and gives each a name of its own", () => {
    const node = [
      protoNode("Relu", ["b"], ["y"]),
      protoNode("Add", ["a", "w"], ["b"], [], "n"),
      protoNode("Neg", ["x"], ["a"], [], "n"),
    ];
    const graph = read(protoModel(tinyGraph([w], { node })));
    expect(graph.nodes.map((n) => n.op)).toEqual(["Neg", "Add", "Relu"]);
    expect(graph.nodes.map((n) => n.name)).toEqual(["n_2", "n", "Relu_0"]);
  });

  it("reads the symbolic batch, and leaves other symbols unknown", () => {
    const more = {
      input: [valueInfo("x", ["batch", 3, "height", -1])],
      output: [valueInfo("y", ["batch", "classes"])],
    };
    const graph = read(protoModel(tinyGraph([w], more)));
    expect(graph.inputs[0]?.shape).toEqual([BATCH, 3, null, null]);
    expect(graph.outputs[0]?.shape).toEqual([BATCH, null]);
  });

  it("reads subgraphs, which see the values around them", () => {
    const branch = (op: string): AttributeInit["g"] => ({
      name: op,
      output: [valueInfo("out")],
      node: [protoNode(op, ["x", "w"], ["out"])],
    });
    const node = [
      protoNode("If", ["c"], ["y"], [
        { name: "then_branch", type: Kind.GRAPH, g: branch("Add") },
        { name: "else_branch", type: Kind.GRAPH, g: branch("Mul") },
      ] as AttributeInit[]),
    ];
    const graph = read(protoModel(tinyGraph([w, rawTensor("c", [], Uint8Array.of(1), 9)], { node })));
    const then = graph.nodes[0]?.attributes.then_branch;
    expect(then?.kind === "graph" && then.value.nodes[0]?.op).toBe("Add");
    const lost = protoModel(tinyGraph([rawTensor("c", [], Uint8Array.of(1), 9)], { node }));
    expect(message(lost)).toMatch(/If "If_0" needs the value "w"/);
  });

  it("keeps attributes named like parts of JavaScript objects apart from those", () => {
    const odd: AttributeInit = { name: "__proto__", type: Kind.INT, i: 1n };
    const graph = read(protoModel(tinyGraph([w], { node: [protoNode("Add", ["x", "w"], ["y"], [odd])] })));
    expect(Object.keys(graph.nodes[0]?.attributes ?? {})).toEqual(["__proto__"]);
    expect(graph.nodes[0]?.attributes.toString).not.toBeInstanceOf(Array);
  });

  it("reads the scope that torch.export and TorchScript write", () => {
    const scope = (name: string, props: Record<string, string> = {}) =>
      read(protoModel(tinyGraph([w], { node: [protoNode("Add", ["x", "w"], ["y"], [], name, props)] })))
        .nodes[0]?.scope;
    expect(scope("n", { "pkg.torch.onnx.name_scopes": "['', 'm', 'm.blocks.0', 'add']" })).toBe("m.blocks.0");
    expect(scope("n", { namespace: ": M/m: V/m.blocks.0: B/add_2: aten.add.Tensor" })).toBe("m.blocks.0");
    expect(scope("/m/layers/layers.0/blocks/blocks.1/attn/Add_2")).toBe("m.layers.0.blocks.1.attn");
    expect(scope("Add_7")).toBeUndefined();
  });
});

describe("a file that is no usable model gets one clear sentence", () => {
  const good = protoModel(tinyGraph([w]));

  it.each([
    ["an empty file", new Uint8Array(0), /empty/],
    ["a text file", text("hello, world\n"), /text file/],
    ["a web page", text("\n<!DOCTYPE html><html>ü</html>"), /web page/],
    ["a Git LFS pointer", text("version https://git-lfs.github.com/spec/v1\n"), /git lfs pull/],
    ["a zip archive", Uint8Array.of(0x50, 0x4b, 3, 4, 0, 0), /zip archive/],
    ["a safetensors file", text('\u0040\0\0\0\0\0\0\0{"a":{"dtype":"F32"}}'), /safetensors/],
    ["random bytes", Uint8Array.from({ length: 999 }, (_, i) => (i * 7919 + 173) % 251), /not an ONNX model/],
    ["another protobuf", Uint8Array.of(0x08, 1, 0x10, 1), /damaged|not an ONNX model/],
    [
      "a half of a model",
      good.subarray(0, good.length >> 1),
      /cut short: it has \d+ bytes and should have at least/,
    ],
    ["a model without its last byte", good.subarray(0, -1), /cut short/],
  ])("%s", (_, bytes, expected) => {
    expect(message(bytes)).toMatch(expected);
  });

  it.each([
    ["too few bytes", rawTensor("w", [4], floats(1, 2, 3)), /"w" holds 12 bytes.*needs 16/],
    [
      "too many numbers",
      tensorBytes({ name: "w", dims: [1n], dataType: 7, int64Data: [1n, 2n] }),
      /holds 16 bytes/,
    ],
    ["no content", tensorBytes({ name: "w", dims: [4n], dataType: 1 }), /holds 0 bytes/],
    ["a negative dimension", rawTensor("w", [-4], floats(1)), /impossible dimension: -4/],
    ["a huge dimension", rawTensor("w", [2 ** 40], floats(1)), /impossible dimension/],
    ["a huge product", rawTensor("w", [2 ** 30, 2 ** 30, 2 ** 30], floats(1)), /holds 4 bytes/],
    ["many axes", rawTensor("w", new Array<number>(100).fill(1), floats(1)), /axes/],
    ["4-bit elements", rawTensor("w", [8], floats(1), 22), /int4, which is not supported/],
    [
      "external data that is not at hand",
      externalTensor("w", [4], { location: "f" }),
      /"f", which is not at hand/,
    ],
    ["external data elsewhere", externalTensor("w", [4], { location: "../f" }), /own folder/],
    [
      "an offset that is no number",
      externalTensor("w", [4], { location: "f", offset: "1e9" }),
      /is no number/,
    ],
    ["missing strings", tensorBytes({ name: "w", dims: [2n], dataType: 8 }), /has 0 strings/],
  ])("a weight with %s", (_, tensor, expected) => {
    expect(message(protoModel(tinyGraph([tensor])))).toMatch(expected);
  });

  it.each([
    ["no nodes", { node: [] }, /no operators/],
    ["no input", { input: [] }, /no input/],
    ["no output", { output: [] }, /no output/],
    ["an output nobody makes", { output: [valueInfo("z")] }, /computes its output "z"/],
    ["an input nobody makes", { node: [protoNode("Add", ["x", "q"], ["y"])] }, /needs the value "q"/],
    [
      "a value made twice",
      { node: [protoNode("Neg", ["x"], ["y"]), protoNode("Abs", ["x"], ["y"])] },
      /"y" more than once/,
    ],
    [
      "a cycle",
      { node: [protoNode("Add", ["x", "b"], ["y"]), protoNode("Neg", ["y"], ["b"])] },
      /cycle at node/,
    ],
    ["a node without operator", { node: [protoNode("", ["x"], ["y"])] }, /has no operator/],
    ["an empty Constant", { node: [protoNode("Constant", [], ["y"])] }, /has no value/],
    ["sparse weights", { sparseInitializer: [{ dims: [1n] }] }, /sparse/],
    [
      "an If without branch",
      { node: [protoNode("If", ["x"], ["y"], [{ name: "g", type: Kind.GRAPH }])] },
      /no graph/,
    ],
    [
      "a training operator",
      { node: [{ ...protoNode("Adam", ["x"], ["y"]), domain: "ai.onnx.preview.training" }] },
      /training/,
    ],
  ])("a graph with %s", (_, more, expected) => {
    expect(message(protoModel(tinyGraph([w], more as never)))).toMatch(expected);
  });

  it("weights that are there twice", () => {
    expect(message(protoModel(tinyGraph([w, w])))).toMatch(/"w" more than once/);
  });

  it("no operator set, no graph, a training graph", () => {
    expect(message(protoModel(tinyGraph([w]), { opsetImport: [] }))).toMatch(/operator set/);
    expect(message(protoModel(tinyGraph([w]), { irVersion: 0n }))).toMatch(/not an ONNX model/);
    expect(message(protoModel(tinyGraph([w]), { trainingInfo: [{}] }))).toMatch(/training graph/);
  });

  it("subgraphs within subgraphs without end", () => {
    let graph = tinyGraph([w]);
    for (let i = 0; i < 40; i++) {
      const node = protoNode(
        "If",
        ["x"],
        ["y"],
        [{ name: "then_branch", type: Kind.GRAPH, g: graph } as AttributeInit],
      );
      graph = tinyGraph([], { node: [node] });
    }
    expect(message(protoModel(graph))).toMatch(/nested too deeply/);
  });

  it("a flood of empty nodes, before they take memory", () => {
    const flood = new Uint8Array(4_000_000);
    for (let i = 0; i < flood.length; i += 2) flood[i] = 0x0a;
    const bytes = Uint8Array.from([0x08, 8, 0x3a, 0x80, 0x92, 0xf4, 0x01]);
    const file = new Uint8Array(bytes.length + flood.length);
    file.set(bytes);
    file.set(flood, bytes.length);
    expect(message(file)).toMatch(/more small parts than any model has/);
  });
});
