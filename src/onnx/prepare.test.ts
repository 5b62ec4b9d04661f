import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { corpus } from "../../test/corpus.js";
import { makeBatched } from "./batch.js";
import { BATCH, dimAt, sameDim } from "./dim.js";
import { VitreousError } from "./errors.js";
import { inlineFunctions } from "./functions.js";
import type { Graph, Model, Node } from "./graph.js";
import { widenHalf } from "./half.js";
import { readModelFile } from "./node/read-file.js";
import { prepare } from "./prepare.js";
import { int64Tensor } from "./tensor.js";
import { difference, feedsFor, noise, type Outputs, runModel } from "./testing/run.js";

/** What every operator of a prepared float model may be. */
const KNOWN = new Set(["", "com.microsoft.nchwc"]);

const exportsOf = corpus().flatMap((model) =>
  model.exports.map((e) => [`${model.name}/${e.name}`, e] as const),
);

async function plain(path: string): Promise<Model> {
  return widenHalf(inlineFunctions((await readModelFile(path)).model));
}

/** The model with every value of the named dtypes as an output. */
function exposing(model: Model): Model {
  const values = model.graph.nodes.flatMap((node) => node.outputs).filter((name) => name !== "");
  const outputs = values.map((name) => ({
    name,
    dtype: model.graph.types.get(name)?.dtype ?? "other",
    shape: model.graph.types.get(name)?.shape,
  }));
  return { ...model, graph: { ...model.graph, outputs } };
}

describe("prepare", () => {
  it.each(exportsOf)("computes the same as %s", async (_, e) => {
    const before = await plain(e.path);
    const after = prepare(before);
    for (const batch of e.batch === 1 ? [1] : [1, 3]) {
      const feeds = feedsFor(before, batch);
      // Constants that float16 had rounded (√2 in Gelu) are exact again.
      const tolerance = e.half ? 1e-3 : 2e-6;
      expect(difference(await runModel(before, feeds), await runModel(after, feeds))).toBeLessThan(tolerance);
    }
    expect(after.graph.inputs.map((i) => i.name)).toEqual(before.graph.inputs.map((i) => i.name));
    expect(after.graph.outputs.map((o) => o.name)).toEqual(before.graph.outputs.map((o) => o.name));
  });

  it.each(exportsOf)("knows the shape of every value of %s", async (_, e) => {
    const model = prepare((await readModelFile(e.path)).model);
    const batch = e.batch === 1 ? 1 : 2;
    const values = await runModel(exposing(model), feedsFor(model, batch));
    for (const [name, { dims }] of Object.entries(values)) {
      const inferred = model.graph.types.get(name)?.shape?.map((d) => dimAt(d, batch));
      expect([name, inferred]).toEqual([name, dims]);
    }
  });

  it.each(exportsOf)("leaves no shape arithmetic and nothing fused in %s", async (_, e) => {
    const { graph, opsets } = prepare((await readModelFile(e.path)).model);
    expect(opsets.get("")).toBeGreaterThanOrEqual(20);
    const ops = graph.nodes.map((node) => node.op);
    expect(ops.filter((op) => op === "Shape").length).toBeLessThanOrEqual(1);
    for (const op of [
      "Identity",
      "ConstantOfShape",
      "Range",
      "CastLike",
      "If",
      "Erf",
      "Attention",
      "Constant",
    ]) {
      expect(ops).not.toContain(op);
    }
    if (!e.quantized) expect(graph.nodes.filter((node) => !KNOWN.has(node.domain))).toEqual([]);
  });

  it.each(exportsOf)("does nothing a second time to %s, and copies no weight", async (_, e) => {
    const model = await plain(e.path);
    const once = prepare(model);
    const twice = prepare(once);
    expect(twice.graph.nodes).toEqual(once.graph.nodes);
    for (const [name, tensor] of once.graph.constants) {
      const original = model.graph.constants.get(name);
      if (original) expect(tensor.bytes.buffer).toBe(original.bytes.buffer);
    }
  });

  it("fixes an open image size, and refuses one that the model cannot take", async () => {
    const [, e] = exportsOf.find(([, item]) => item.batch !== 1 && item.layout === "NCHW") ?? [];
    if (e === undefined) throw new Error("no dynamic export in the corpus");
    const { model } = await readModelFile(e.path);
    const [input] = model.graph.inputs;
    if (input === undefined) throw new Error("no input");
    const open = { ...input, shape: [null, 3, null, null] };
    const opened = { ...model, graph: { ...model.graph, inputs: [open] } };
    const [, , height, width] = input.shape ?? [];
    const fixed = prepare(opened, { image: [Number(height), Number(width)] });
    expect(fixed.graph.inputs[0]?.shape).toEqual([BATCH, 3, height, width]);
    expect(fixed.graph.nodes).toEqual(prepare(model).graph.nodes);
    expect(() => prepare(model, { image: [11, 13] })).toThrow(VitreousError);
  });
});

describe("makeBatched on exports for one image", () => {
  const fixed = exportsOf.filter(([, e]) => e.batch === 1 && e.layout === "NCHW" && !e.quantized);

  it.each(fixed)("runs three images of %s as each alone", async (_, e) => {
    const single = prepare((await readModelFile(e.path)).model);
    const batched = makeBatched(single);
    if (batched === undefined) throw new Error("not batched");
    expect(batched.graph.outputs.every((output) => sameDim(output.shape?.[0], BATCH))).toBe(true);
    const [input] = single.graph.inputs;
    const size = (input?.shape ?? []).reduce<number>((n, d) => n * Number(d), 1);
    const images = noise(3 * size);
    const together = await runModel(batched, feedsFor(batched, 3, 1, images));
    for (let i = 0; i < 3; i++) {
      const alone = await runModel(single, feedsFor(single, 1, 1, images.slice(i * size, (i + 1) * size)));
      expect(difference(alone, imageOf(together, i, 3))).toBeLessThan(5e-6);
    }
  });
});

function imageOf(outputs: Outputs, index: number, batch: number): Outputs {
  return Object.fromEntries(
    Object.entries(outputs).map(([name, { dims, data }]) => {
      const size = data.length / batch;
      return [name, { dims: [1, ...dims.slice(1)], data: data.slice(index * size, (index + 1) * size) }];
    }),
  );
}

describe("prepare on models that are broken", () => {
  it("never fails but with a message for the user, and soon", async () => {
    const [, e] = exportsOf.find(([name]) => name === "swin/legacy-17") ?? exportsOf[0] ?? [];
    if (e === undefined) throw new Error("no model");
    const { model } = await readModelFile(e.path);
    const { nodes, constants } = model.graph;
    const integers = [...constants].filter(([, t]) => t.dtype === "int64" && t.bytes.length > 0);
    const value = fc.constantFrom(-(2 ** 40), -3, -1, 0, 1, 2, 7, 1000, 2 ** 31, 2 ** 53);
    const mutation = fc.record({
      node: fc.nat(nodes.length - 1),
      other: fc.nat(nodes.length - 1),
      constant: fc.nat(integers.length - 1),
      kind: fc.constantFrom("drop", "swap", "op", "attribute", "constant", "inputs"),
      value,
    });
    const mutate = (
      graph: Graph,
      m: {
        readonly node: number;
        readonly other: number;
        readonly constant: number;
        readonly kind: string;
        readonly value: number;
      },
    ): Graph => {
      const target = graph.nodes[m.node];
      const other = graph.nodes[m.other];
      if (target === undefined || other === undefined) return graph;
      const put = (node: Node): Graph => ({ ...graph, nodes: graph.nodes.with(m.node, node) });
      switch (m.kind) {
        case "drop":
          return put({ ...target, inputs: target.inputs.slice(1) });
        case "swap":
          return put({ ...target, inputs: target.inputs.toReversed() });
        case "op":
          return put({ ...target, op: other.op, attributes: other.attributes });
        case "attribute":
          return put({
            ...target,
            attributes: Object.fromEntries(
              Object.keys(target.attributes).map((key) => [
                key,
                m.value % 2 === 0 ? { kind: "int", value: m.value } : { kind: "ints", value: [m.value, 0] },
              ]),
            ),
          });
        case "inputs":
          return put({ ...target, inputs: graph.nodes[Math.min(m.node, m.other) - 1]?.outputs ?? [] });
        default: {
          const [name, tensor] = integers[m.constant] ?? [];
          if (name === undefined || tensor === undefined) return graph;
          const size = tensor.bytes.length / 8;
          return {
            ...graph,
            constants: new Map(graph.constants).set(
              name,
              int64Tensor(tensor.dims, new Array<number>(size).fill(m.value)),
            ),
          };
        }
      }
    };
    fc.assert(
      fc.property(fc.array(mutation, { minLength: 1, maxLength: 4 }), (mutations) => {
        const start = performance.now();
        const broken = { ...model, graph: mutations.reduce(mutate, model.graph) };
        try {
          makeBatched(prepare(broken));
        } catch (error) {
          expect(error).toBeInstanceOf(VitreousError);
        }
        expect(performance.now() - start).toBeLessThan(20_000);
      }),
      { numRuns: 30 },
    );
  });
});
