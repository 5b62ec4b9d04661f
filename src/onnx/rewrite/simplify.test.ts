import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { corpus } from "../../../test/corpus.js";
import { gradients } from "../../autodiff/gradients.js";
import { float, int, ints } from "../attributes.js";
import { GraphBuilder } from "../builder.js";
import { isStatic } from "../dim.js";
import type { Model } from "../graph.js";
import { prepare } from "../prepare.js";
import { readModel } from "../read.js";
import { float32Tensor } from "../tensor.js";
import { simplify } from "./simplify.js";
import { distance, expectSame, modelOf, operators, weight } from "./testing.js";

/** One of the operators that the rules know, chosen and shaped by random numbers; undefined where it does not fit. */
function randomNode(
  b: GraphBuilder,
  values: readonly string[],
  pick: (n: number) => number,
): string | undefined {
  const x = values[pick(values.length)] ?? "";
  const shape = b.shapeOf(x) ?? [];
  const rank = shape.length;
  const axis = 1 + pick(Math.max(1, rank - 1));
  const extent = shape[axis];
  if (rank < 2 || rank > 5 || typeof extent !== "number") return undefined;
  const last = shape.at(-1);
  const same = values.filter((v) => JSON.stringify(b.shapeOf(v)) === JSON.stringify(shape));
  const start = pick(extent);
  const end = start + 1 + pick(extent - start);
  switch (pick(18)) {
    case 0:
      return b.add("Slice", [x, b.ints([start]), b.ints([end]), b.ints([axis])]);
    case 1: {
      const pads = Array.from({ length: 2 * rank }, (_, i) => (i % rank === axis ? pick(3) : 0));
      return b.add("Pad", [x, b.ints(pads)]);
    }
    case 2:
      return b.add(pick(2) ? "Add" : "Sub", [x, same[pick(same.length)] ?? x]);
    case 3:
      return b.add("Mul", [x, same[pick(same.length)] ?? x]);
    case 4: {
      const perm = Array.from({ length: rank }, (_, i) => i);
      const other = 1 + pick(rank - 1);
      [perm[axis], perm[other]] = [perm[other] ?? 0, perm[axis] ?? 0];
      return b.add("Transpose", [x], { perm: ints(perm) });
    }
    case 5: {
      const sizes = shape.slice(1).filter(isStatic);
      const size = sizes.reduce((n, d) => n * d, 1);
      const divisors = Array.from({ length: size }, (_, i) => i + 1).filter((d) => size % d === 0);
      const divisor = divisors[pick(divisors.length)] ?? 1;
      return b.add("Reshape", [x, b.ints([-1, divisor, size / divisor])]);
    }
    case 6:
      return typeof last === "number"
        ? b.add("MatMul", [x, weight(b, [last, 1 + pick(6)], 1 + pick(50))])
        : undefined;
    case 7: {
      const perm = [...Array.from({ length: rank - 2 }, (_, i) => i), rank - 1, rank - 2];
      if (rank < 3) return undefined;
      return b.add("MatMul", [x, b.add("Transpose", [same[pick(same.length)] ?? x], { perm: ints(perm) })]);
    }
    case 8:
      return b.add("Concat", [x, same[pick(same.length)] ?? x], { axis: int(axis) });
    case 9:
      return b.add("Softmax", [x], { axis: int(axis) });
    case 10:
      return b.add("LayerNormalization", [x, weight(b, [Number(last)], 3), weight(b, [Number(last)], 4)], {
        axis: int(-1),
        epsilon: float(0.5),
      });
    case 11:
    case 12:
      return b.add(pick(2) ? "ReduceMean" : "ReduceSum", [x, b.ints([axis])], {
        keepdims: int(rank > 2 ? pick(2) : 1),
      });
    case 13:
      return rank > 2 ? b.add("Gather", [x, b.int(start)], { axis: int(axis) }) : undefined;
    case 14:
      return b.add("Gather", [x, b.ints([start, end - 1, start])], { axis: int(axis) });
    case 15:
      return b.add(["Tanh", "Relu", "Neg", "Sigmoid"][pick(4)] ?? "Tanh", [x]);
    case 16:
      return b.add("Add", [x, weight(b, [extent, ...Array.from({ length: rank - axis - 1 }, () => 1)], 5)]);
    default: {
      if (extent < 2) return undefined;
      const first = 1 + pick(extent - 1);
      const parts = b.addMany("Split", [x, b.ints([first, extent - first])], 2, { axis: int(axis) });
      return parts[pick(2)];
    }
  }
}

/** A model of up to `size` such operators, of which the last results are outputs. */
function randomModel(choices: readonly number[], size: number): Model {
  let next = 0;
  const pick = (n: number): number => (n <= 1 ? 0 : (choices[next++ % choices.length] ?? 0) % n);
  return modelOf([4, 6], (b, x) => {
    const values = [x, b.add("Relu", [x]), b.add("Mul", [x, b.float(0.5)])];
    for (let i = 0; i < size; i++) {
      const value = randomNode(b, values.slice(-5), pick);
      const shape = value === undefined ? [] : (b.shapeOf(value) ?? []);
      const elements = shape.reduce<number>((n, d) => n * (typeof d === "number" ? d : 1), 1);
      if (value !== undefined && elements <= 2000) values.push(value);
    }
    // A small part of the last values, and the last one whole now and then.
    const outputs = values.slice(-2).map((v) => {
      const extent = b.shapeOf(v)?.[1];
      if (typeof extent !== "number" || pick(3) === 0) return v;
      const start = pick(extent);
      return b.add("Slice", [v, b.ints([start]), b.ints([start + 1]), b.ints([1])]);
    });
    return [...new Set(outputs)].filter((name) => name !== x);
  });
}

describe("a simplified model", () => {
  it("computes what the model does, whatever it is made of", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.nat(10_000), { minLength: 40, maxLength: 60 }),
        fc.integer({ min: 2, max: 16 }),
        async (choices, size) => {
          const model = randomModel(choices, size);
          await expectSame(model, simplify(model), 3e-6);
        },
      ),
      { numRuns: 150 },
    );
  }, 120_000);

  it("is simplified no further", () => {
    const model = modelOf([9, 8], (b, x) => {
      const y = b.add("MatMul", [
        b.add("Relu", [b.add("MatMul", [x, weight(b, [8, 16])])]),
        weight(b, [16, 8]),
      ]);
      return [b.add("Gather", [y, b.int(0)], { axis: int(1) })];
    });
    const once = simplify(model);
    expect(simplify(once).graph.nodes).toEqual(once.graph.nodes);
  });

  it("leaves graphs alone whose shapes are unknown", () => {
    const builder = GraphBuilder.empty("unknown", 18);
    builder.input({ name: "x", dtype: "float32", shape: undefined });
    const y = builder.add("Relu", [builder.add("MatMul", ["x", weight(builder, [4, 4])])]);
    const z = builder.add("Gather", [y, builder.int(0)], { axis: int(1) });
    const model = { ...modelOf([4], (b, x) => [b.add("Relu", [x])]), graph: builder.build([z]) };
    expect(simplify(model).graph.nodes).toEqual(model.graph.nodes);
  });

  it("keeps what is to be kept", () => {
    const model = modelOf([9, 8], (b, x) => {
      const kept = b.add("MatMul", [x, weight(b, [8, 8])], {}, { outputs: ["kept"] });
      return [b.add("Gather", [b.add("Relu", [kept]), b.int(0)], { axis: int(1) })];
    });
    const after = simplify(model, { keep: ["kept"] });
    expect(after.graph.types.get("kept")?.shape?.[1]).toBe(9);
    expect(operators(after).Relu).toBe(1);
  });
});

/** The logits, and Grad-CAM's activation and weights at the norm before the last block's attention. */
function gradCamOf(model: Model): Model {
  const softmaxes = model.graph.nodes.flatMap((node, i) => (node.op === "Softmax" ? [i] : []));
  const before = model.graph.nodes
    .slice(0, softmaxes.at(-1))
    .filter((node) => node.op === "LayerNormalization");
  const layer = before.at(-1)?.outputs[0] ?? "";
  const builder = GraphBuilder.extending(model);
  const logits = model.graph.outputs[0]?.name ?? "";
  const classes = Number(builder.shapeOf(logits)?.[1]);
  const top = builder.add("ArgMax", [logits], { axis: int(1), keepdims: int(0) });
  const values = builder.constant(float32Tensor([2], [0, 1]));
  const seed = builder.add("OneHot", [top, builder.int(classes), values], { axis: int(1) });
  const forward = { ...model, graph: builder.build([logits, seed, layer]) };
  const backward = gradients(forward, { of: [{ value: logits, seed }], wrt: [layer] });
  const method = GraphBuilder.extending(backward.model);
  const gradient = backward.gradients.get(layer) ?? "";
  const mean = method.add("ReduceMean", [gradient, method.ints([1])], { keepdims: int(0) });
  return { ...model, graph: method.build([logits, layer, mean]) };
}

const files = corpus().flatMap((model) => model.exports.map((file) => ({ model, file })));

describe("a simplified transformer", () => {
  for (const { model, file } of files) {
    const label = `${model.name} ${file.name}`;
    it(`predicts the same: ${label}`, async () => {
      const prepared = prepare(readModel(new Uint8Array(readFileSync(file.path))));
      expect(await distance(prepared, simplify(prepared))).toBeLessThanOrEqual(2e-6);
    }, 60_000);
    if (file.quantized || file.output !== "logits") continue;
    it(`is explained the same: ${label}`, async () => {
      const explained = gradCamOf(prepare(readModel(new Uint8Array(readFileSync(file.path)))));
      expect(await distance(explained, simplify(explained))).toBeLessThanOrEqual(5e-6);
    }, 60_000);
  }
});
