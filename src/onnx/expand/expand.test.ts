import { describe, expect, it } from "vitest";
import { float, int, ints, string } from "../attributes.js";
import { type Attributes, GraphBuilder } from "../builder.js";
import { canonicalise } from "../canonical/canonicalise.js";
import { BATCH, type Dim } from "../dim.js";
import type { Model, Tensor, ValueInfo } from "../graph.js";
import { tensorOf } from "../shape/array.js";
import { modelFrom } from "../testing/graphs.js";
import { difference, feedsFor, noise, runModel } from "../testing/run.js";

const OPSET = 23;

interface Case {
  readonly op: string;
  readonly domain?: string;
  readonly attributes?: Attributes;
  /** Shapes of float inputs that are fed, constants, or "" for an absent one. */
  readonly inputs: readonly (readonly Dim[] | Tensor | "")[];
  readonly outputs?: readonly string[];
  readonly opset?: number;
}

const weight = (...dims: number[]): Tensor =>
  tensorOf("float32", dims, [
    ...noise(
      dims.reduce((a, b) => a * b, 1),
      dims.length + (dims[0] ?? 0),
    ),
  ]);

function modelOf({ op, domain = "", attributes = {}, inputs, outputs = ["y"], opset = OPSET }: Case): Model {
  const builder = GraphBuilder.empty("test", opset);
  const names = inputs.map((item, i) => {
    if (item === "") return "";
    if ("bytes" in item) return builder.constant(item, `c${i}`);
    const info: ValueInfo = { name: `x${i}`, dtype: "float32", shape: item };
    return builder.input(info);
  });
  builder.addMany(op, names, outputs.length, attributes, { domain, outputs, name: "fused" });
  return {
    irVersion: 10,
    opsets: new Map([
      ["", opset],
      ["com.microsoft", 1],
    ]),
    producer: "test",
    metadata: new Map(),
    graph: builder.build(outputs.filter((name) => name !== "")),
    functions: [],
  };
}

/** Largest relative difference between the fused operator and its expansion, as the runtime computes both. */
async function gap(c: Case, batch = 2): Promise<number> {
  const fused = modelOf(c);
  const expanded = canonicalise(fused);
  const left = expanded.graph.nodes.filter((node) => node.name === "fused" && node.op === c.op);
  expect(left).toEqual([]);
  const feeds = feedsFor(fused, batch);
  return difference(await runModel(fused, feeds), await runModel(expanded, feeds));
}

const image: readonly Dim[] = [BATCH, 6, 8];
const heads4: readonly Dim[] = [BATCH, 2, 6, 4];
const MS = "com.microsoft";
const lengths = (values: number[]): Tensor => tensorOf("int32", [values.length], values);
const mask = tensorOf("int32", [2, 6], [1, 1, 1, 0, 0, 0, 1, 1, 1, 1, 1, 0]);
const allowed = tensorOf(
  "bool",
  [6, 6],
  Array.from({ length: 36 }, (_, i) => (i % 5 === 0 ? 0 : 1)),
);

const table = tensorOf("float32", [6, 2], [...noise(12, 5)]);
const positions = tensorOf("int64", [2, 6], [0, 1, 2, 3, 4, 5, 5, 4, 3, 2, 1, 0]);

const CASES: Readonly<Record<string, Case>> = {
  "Attention, three axes": {
    op: "Attention",
    attributes: { q_num_heads: int(2), kv_num_heads: int(2) },
    inputs: [image, image, image],
  },
  "Attention, four axes, causal, with a scale and a float mask": {
    op: "Attention",
    attributes: { scale: float(0.3), is_causal: int(1) },
    inputs: [heads4, heads4, heads4, weight(6, 6)],
  },
  "Attention with a boolean mask and soft capping": {
    op: "Attention",
    attributes: { softcap: float(2) },
    inputs: [heads4, heads4, heads4, allowed],
  },
  "Attention with grouped keys and values": {
    op: "Attention",
    attributes: { q_num_heads: int(4), kv_num_heads: int(2) },
    inputs: [
      [BATCH, 6, 16],
      [BATCH, 6, 8],
      [BATCH, 6, 8],
    ],
  },
  "Attention across other keys": {
    op: "Attention",
    attributes: { q_num_heads: int(2), kv_num_heads: int(2) },
    inputs: [image, [BATCH, 3, 8], [BATCH, 3, 6]],
  },
  "Attention that also hands out its scores": {
    op: "Attention",
    inputs: [heads4, heads4, heads4],
    outputs: ["y", "", "", "qk"],
  },
  "Attention that hands out its probabilities": {
    op: "Attention",
    attributes: { qk_matmul_output_mode: int(3) },
    inputs: [heads4, heads4, heads4],
    outputs: ["y", "", "", "qk"],
  },
  "RotaryEmbedding with positions": {
    op: "RotaryEmbedding",
    inputs: [heads4, table, weight(6, 2), positions],
  },
  "RotaryEmbedding, interleaved, three axes": {
    op: "RotaryEmbedding",
    attributes: { interleaved: int(1), num_heads: int(2) },
    inputs: [image, table, weight(6, 2), positions],
  },
  "RotaryEmbedding of a part of the channels": {
    op: "RotaryEmbedding",
    attributes: { rotary_embedding_dim: int(4) },
    inputs: [[BATCH, 2, 6, 10], table, weight(6, 2), positions],
  },
  RMSNormalization: { op: "RMSNormalization", inputs: [image, weight(8)] },
  "RMSNormalization over two axes": {
    op: "RMSNormalization",
    attributes: { axis: int(1) },
    inputs: [image, weight(6, 8)],
  },
  HardSwish: { op: "HardSwish", inputs: [image] },
  Mish: { op: "Mish", inputs: [image] },
  SimplifiedLayerNormalization: { op: "SimplifiedLayerNormalization", inputs: [image, weight(8)] },
  Gelu: { op: "Gelu", domain: MS, inputs: [image] },
  BiasGelu: { op: "BiasGelu", domain: MS, inputs: [image, weight(8)] },
  FastGelu: { op: "FastGelu", domain: MS, inputs: [image] },
  "FastGelu with a bias": { op: "FastGelu", domain: MS, inputs: [image, weight(8)] },
  QuickGelu: { op: "QuickGelu", domain: MS, inputs: [image] },
  FusedMatMul: {
    op: "FusedMatMul",
    domain: MS,
    attributes: { alpha: float(0.5), transB: int(1) },
    inputs: [heads4, heads4],
  },
  "FusedMatMul with its batch axes moved": {
    op: "FusedMatMul",
    domain: MS,
    attributes: { transBatchA: int(1), transBatchB: int(1), transA: int(1) },
    inputs: [
      [3, 5, 2, 4],
      [3, 5, 2, 7],
    ],
  },
  FusedGemm: {
    op: "FusedGemm",
    domain: MS,
    attributes: { activation: string("LeakyRelu"), activation_alpha: float(0.2), transB: int(1) },
    inputs: [[BATCH, 8], weight(5, 8), weight(5)],
  },
  FusedConv: {
    op: "FusedConv",
    domain: MS,
    attributes: { activation: string("Relu"), pads: ints([1, 1, 1, 1]) },
    inputs: [[BATCH, 3, 8, 8], weight(4, 3, 3, 3), weight(4)],
  },
  SkipLayerNormalization: {
    op: "SkipLayerNormalization",
    domain: MS,
    attributes: { epsilon: float(1e-6) },
    inputs: [image, image, weight(8), weight(8), weight(8)],
    outputs: ["y", "", "", "sum"],
  },
  "SkipLayerNormalization with a broadcast skip": {
    op: "SkipLayerNormalization",
    domain: MS,
    inputs: [image, weight(1, 6, 8), weight(8)],
  },
  SkipSimplifiedLayerNormalization: {
    op: "SkipSimplifiedLayerNormalization",
    domain: MS,
    attributes: { epsilon: float(1e-6) },
    inputs: [image, image, weight(8), weight(8)],
    outputs: ["y", "", "", "sum"],
  },
  "com.microsoft Attention": {
    op: "Attention",
    domain: MS,
    attributes: { num_heads: int(2) },
    inputs: [image, weight(8, 24), weight(24)],
  },
  "com.microsoft Attention with sizes, a scale and an attention bias": {
    op: "Attention",
    domain: MS,
    attributes: { num_heads: int(2), qkv_hidden_sizes: ints([8, 8, 12]), scale: float(0.2) },
    inputs: [image, weight(8, 28), weight(28), "", "", weight(1, 2, 6, 6)],
  },
  "com.microsoft Attention with a mask": {
    op: "Attention",
    domain: MS,
    attributes: { num_heads: int(2) },
    inputs: [image, weight(8, 24), weight(24), mask],
  },
  "com.microsoft Attention with lengths": {
    op: "Attention",
    domain: MS,
    attributes: { num_heads: int(2) },
    inputs: [[2, 6, 8], weight(8, 24), weight(24), lengths([3, 6])],
  },
  "com.microsoft Attention looking back only": {
    op: "Attention",
    domain: MS,
    attributes: { num_heads: int(2), unidirectional: int(1) },
    inputs: [image, weight(8, 24), weight(24)],
  },
  MultiHeadAttention: {
    op: "MultiHeadAttention",
    domain: MS,
    attributes: { num_heads: int(2) },
    inputs: [image, image, image],
  },
  "MultiHeadAttention with bias, mask and attention bias": {
    op: "MultiHeadAttention",
    domain: MS,
    attributes: { num_heads: int(2), scale: float(0.4) },
    inputs: [image, image, image, weight(24), mask, weight(1, 2, 6, 6)],
  },
  "MultiHeadAttention with keys and values as heads": {
    op: "MultiHeadAttention",
    domain: MS,
    attributes: { num_heads: int(2) },
    inputs: [image, heads4, heads4],
  },
  "com.microsoft RotaryEmbedding": {
    op: "RotaryEmbedding",
    domain: MS,
    inputs: [heads4, positions, table, weight(6, 2)],
  },
};

describe("canonicalise", () => {
  it.each(Object.entries(CASES))("computes what %s computes", async (_, c) => {
    expect(await gap(c)).toBeLessThan(1e-5);
  });

  it("makes the Softmax of an attention visible", () => {
    for (const [name, c] of Object.entries(CASES)) {
      if (!name.includes("Attention")) continue;
      expect(canonicalise(modelOf(c)).graph.nodes.filter((node) => node.op === "Softmax")).toHaveLength(1);
    }
  });

  it("writes the activations that only graphics cards have by their definition", async () => {
    const cases: readonly Case[] = [
      { op: "GemmFastGelu", domain: MS, inputs: [image, weight(8, 4), weight(4)] },
      { op: "BiasAdd", domain: MS, inputs: [image, weight(8), image] },
      {
        op: "BiasSoftmax",
        domain: MS,
        attributes: { axis: int(2), is_inner_broadcast: int(0) },
        inputs: [image, weight(8)],
      },
    ];
    const expected = [
      ["MatMul", "Add", "Gelu"],
      ["Add", "Add"],
      ["Add", "Softmax"],
    ];
    for (const [i, c] of cases.entries()) {
      const expanded = canonicalise(modelOf(c));
      expect(expanded.graph.nodes.map((node) => node.op)).toEqual(expected[i]);
      await runModel(expanded, feedsFor(expanded, 2));
    }
  });

  it("unpacks queries, keys and values that only graphics cards take packed", async () => {
    const attributes = { num_heads: int(2) };
    const parts = (g: GraphBuilder, x: string, count: number): readonly string[] =>
      g
        .addMany("Split", [x, g.ints(new Array<number>(count).fill(1))], count, { axis: int(3) })
        .map((part) => g.add("Reshape", [part, g.ints([0, 0, 8])]));
    const all = modelFrom([BATCH, 6, 2, 3, 4], (g, x) =>
      g.add("MultiHeadAttention", [x], attributes, { domain: MS, outputs: ["y"] }),
    );
    const allApart = modelFrom([BATCH, 6, 2, 3, 4], (g, x) =>
      g.add("MultiHeadAttention", parts(g, x, 3), attributes, { domain: MS, outputs: ["y"] }),
    );
    const query = (g: GraphBuilder): string => g.constant(weight(1, 6, 8));
    const pair = modelFrom([1, 6, 2, 2, 4], (g, x) =>
      g.add("MultiHeadAttention", [query(g), x], attributes, { domain: MS, outputs: ["y"] }),
    );
    const pairApart = modelFrom([1, 6, 2, 2, 4], (g, x) =>
      g.add("MultiHeadAttention", [query(g), ...parts(g, x, 2)], attributes, { domain: MS, outputs: ["y"] }),
    );
    for (const [packed, apart] of [
      [all, allApart],
      [pair, pairApart],
    ] as const) {
      const expanded = canonicalise(packed);
      expect(expanded.graph.nodes.map((node) => node.op)).toContain("Softmax");
      const feeds = feedsFor(packed, 2);
      expect(difference(await runModel(apart, feeds), await runModel(expanded, feeds))).toBeLessThan(1e-5);
    }
  });

  it("keeps where a node comes from", () => {
    const model = modelOf({ op: "Attention", inputs: [heads4, heads4, heads4] });
    const nodes = model.graph.nodes.map((node) => ({ ...node, scope: "blocks.0.attn" }));
    const expanded = canonicalise({ ...model, graph: { ...model.graph, nodes } });
    expect(expanded.graph.nodes.every((node) => node.scope === "blocks.0.attn")).toBe(true);
  });

  it.each<[string, Case]>([
    [
      "an attention with past keys",
      { op: "Attention", inputs: [heads4, heads4, heads4, "", heads4, heads4] },
    ],
    ["an attention of unknown rank", { op: "Attention", inputs: [[], [], []] }],
    [
      "an activation nobody knows",
      {
        op: "FusedGemm",
        domain: MS,
        attributes: { activation: string("Magic") },
        inputs: [[BATCH, 8], weight(8, 5)],
      },
    ],
    ["an operator nobody knows", { op: "Mystery", domain: "org.example", inputs: [image] }],
  ])("leaves %s alone", (_, c) => {
    const model = modelOf(c);
    expect(canonicalise(model).graph.nodes).toEqual(model.graph.nodes);
  });
});
