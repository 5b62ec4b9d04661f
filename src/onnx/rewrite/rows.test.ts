import { describe, expect, it } from "vitest";
import { float, int, ints } from "../attributes.js";
import type { GraphBuilder } from "../builder.js";
import { BATCH } from "../dim.js";
import { computeNeededRows } from "./rows.js";
import { expectSame, modelOf, operators, shapesOf, weight } from "./testing.js";

const TOKENS = 9;
const WIDTH = 8;

const row = (b: GraphBuilder, x: string, axis = 1) =>
  b.add("Slice", [x, b.ints([0]), b.ints([1]), b.ints([axis])]);

/** A linear layer. */
const linear = (b: GraphBuilder, x: string, from: number, to: number, seed: number) =>
  b.add("Add", [b.add("MatMul", [x, weight(b, [from, to], seed)]), weight(b, [to], seed + 50)]);

const norm = (b: GraphBuilder, x: string) =>
  b.add("LayerNormalization", [x, weight(b, [WIDTH], 31), weight(b, [WIDTH], 32)], {
    axis: int(-1),
    epsilon: float(0.1),
  });

/** Self-attention of two heads with a fused projection, split the way an exporter does. */
function attention(b: GraphBuilder, x: string, split: (qkv: string) => readonly string[]): string {
  const [q = "", k = "", v = ""] = split(linear(b, x, WIDTH, 3 * WIDTH, 1));
  const scores = b.add("MatMul", [q, b.add("Transpose", [k], { perm: ints([0, 1, 3, 2]) })]);
  const mixed = b.add("MatMul", [b.add("Softmax", [scores], { axis: int(-1) }), v]);
  const joined = b.add("Transpose", [mixed], { perm: ints([0, 2, 1, 3]) });
  return linear(b, b.add("Reshape", [joined, b.ints([-1, TOKENS, WIDTH])]), WIDTH, WIDTH, 2);
}

/** [N, tokens, 3, heads, d] → [3, N, heads, tokens, d], and one of each by Gather. */
const byGather = (b: GraphBuilder) => (qkv: string) => {
  const parted = b.add("Reshape", [qkv, b.ints([-1, TOKENS, 3, 2, 4])]);
  const moved = b.add("Transpose", [parted], { perm: ints([2, 0, 3, 1, 4]) });
  return [0, 1, 2].map((i) => b.add("Gather", [moved, b.int(i)], { axis: int(0) }));
};

/** The same by Slice and Squeeze. */
const bySlice = (b: GraphBuilder) => (qkv: string) => {
  const parted = b.add("Reshape", [qkv, b.ints([-1, TOKENS, 3, 2, 4])]);
  const moved = b.add("Transpose", [parted], { perm: ints([2, 0, 3, 1, 4]) });
  return [0, 1, 2].map((i) => {
    const one = b.add("Slice", [moved, b.ints([i]), b.ints([i + 1]), b.ints([0])]);
    return b.add("Squeeze", [one, b.ints([0])]);
  });
};

/** Split on the last axis, then heads. */
const bySplit = (b: GraphBuilder) => (qkv: string) =>
  b.addMany("Split", [qkv, b.ints([WIDTH, WIDTH, WIDTH])], 3, { axis: int(-1) }).map((part) => {
    const heads = b.add("Reshape", [part, b.ints([-1, TOKENS, 2, 4])]);
    return b.add("Transpose", [heads], { perm: ints([0, 2, 1, 3]) });
  });

function block(b: GraphBuilder, x: string, split: (qkv: string) => readonly string[]): string {
  const middle = b.add("Add", [x, attention(b, norm(b, x), split)]);
  const hidden = b.add("Relu", [linear(b, norm(b, middle), WIDTH, 4 * WIDTH, 3)]);
  return b.add("Add", [middle, linear(b, hidden, 4 * WIDTH, WIDTH, 4)]);
}

describe("computing the needed rows", () => {
  for (const [name, split] of Object.entries({ byGather, bySlice, bySplit })) {
    it(`leaves keys and values of the last block for all tokens, and the rest for one (${name})`, async () => {
      const model = modelOf([TOKENS, WIDTH], (b, x) => {
        const last = block(b, block(b, x, split(b)), split(b));
        return [linear(b, row(b, norm(b, last)), WIDTH, 5, 9)];
      });
      const after = computeNeededRows(model);
      await expectSame(model, after);
      const shapes = shapesOf(after, "MatMul").map((shape) => JSON.stringify(shape));
      const count = (shape: readonly unknown[]) => shapes.filter((s) => s === JSON.stringify(shape)).length;
      expect(count([BATCH, TOKENS, 3 * WIDTH])).toBe(1);
      expect(count([BATCH, TOKENS, 2 * WIDTH])).toBe(1);
      expect(count([BATCH, 1, WIDTH])).toBe(3);
      expect(count([BATCH, 2, 1, TOKENS])).toBe(1);
      expect(count([BATCH, 1, 4 * WIDTH])).toBe(1);
    });
  }

  it("cuts at the consumer where another needs all", async () => {
    const model = modelOf([TOKENS, WIDTH], (b, x) => {
      const all = b.add("Exp", [x]);
      return [b.add("Neg", [row(b, b.add("Relu", [all]))]), b.add("Abs", [all])];
    });
    const after = computeNeededRows(model);
    expect(shapesOf(after, "Relu")).toEqual([[BATCH, 1, WIDTH]]);
    expect(shapesOf(after, "Exp")).toEqual([[BATCH, TOKENS, WIDTH]]);
    expect(operators(after).Slice).toBe(1);
    await expectSame(model, after);
  });

  it("carries zeros as far as they go, and multiplies only what is not zero", async () => {
    const model = modelOf([TOKENS, WIDTH], (b, x) => {
      const gradient = b.add("Pad", [row(b, x), b.ints([0, 0, 0, 0, TOKENS - 1, 0])]);
      const scaled = b.add("Mul", [gradient, weight(b, [TOKENS, WIDTH], 5)]);
      const back = b.add("MatMul", [scaled, weight(b, [WIDTH, WIDTH], 6)]);
      const turned = b.add("Transpose", [back], { perm: ints([0, 2, 1]) });
      return [b.add("MatMul", [turned, x]), b.add("ReduceSum", [b.add("Relu", [back]), b.ints([1])])];
    });
    const after = computeNeededRows(model);
    expect(operators(after).Pad).toBeUndefined();
    expect(shapesOf(after, "MatMul")[0]).toEqual([BATCH, 1, WIDTH]);
    expect(shapesOf(after, "Transpose")).toEqual([[BATCH, WIDTH, 1]]);
    await expectSame(model, after);
  });

  it("joins the gradients of slices that lie side by side", async () => {
    const model = modelOf([2, WIDTH], (b, x) => {
      const [first, second] = [b.add("Exp", [x]), b.add("Neg", [x])];
      const left = b.add("Pad", [first, b.ints([0, 0, 0, 0, 2, 0])]);
      const right = b.add("Pad", [second, b.ints([0, 2, 0, 0, 0, 0])]);
      return [b.add("Add", [left, right])];
    });
    const after = computeNeededRows(model);
    expect(operators(after)).toEqual({ Exp: 1, Neg: 1, Concat: 1 });
    await expectSame(model, after);
  });

  it("adds only what is not zero in the rows that are asked for", async () => {
    const model = modelOf([TOKENS, WIDTH], (b, x) => {
      const one = b.add("Pad", [row(b, x), b.ints([0, 0, 0, 0, TOKENS - 1, 0])]);
      const sum = b.add("Add", [one, b.add("Exp", [x])]);
      return [b.add("Slice", [sum, b.ints([3]), b.ints([5]), b.ints([1])])];
    });
    const after = computeNeededRows(model);
    expect(operators(after)).toEqual({ Slice: 1, Exp: 1, Identity: 1 });
    await expectSame(model, after);
  });

  it("gives zeros where nothing else is asked for", async () => {
    const model = modelOf([TOKENS, WIDTH], (b, x) => {
      const one = b.add("Pad", [row(b, x), b.ints([0, 0, 0, 0, TOKENS - 1, 0])]);
      return [b.add("Slice", [one, b.ints([3]), b.ints([5]), b.ints([1])])];
    });
    await expectSame(model, computeNeededRows(model));
  });

  it("takes a mean over zeros as a sum divided by their number too", async () => {
    const model = modelOf([2, WIDTH], (b, x) => {
      const padded = b.add("Pad", [b.add("Exp", [x]), b.ints([0, 1, 0, 0, 5, 0])]);
      return [b.add("ReduceMean", [padded, b.ints([1])], { keepdims: int(0) })];
    });
    const after = computeNeededRows(model);
    expect(operators(after)).toEqual({ Exp: 1, ReduceSum: 1, Mul: 1 });
    await expectSame(model, after);
  });

  it("leaves a model alone in which every row is needed", () => {
    const model = modelOf([TOKENS, WIDTH], (b, x) => [
      b.add("ReduceMean", [block(b, x, bySlice(b)), b.ints([1])], { keepdims: int(0) }),
    ]);
    const after = computeNeededRows(model);
    expect(after.graph.nodes).toEqual(model.graph.nodes);
  });

  it("does not cut what mixes along an axis, nor what it does not know", async () => {
    const model = modelOf([TOKENS, WIDTH], (b, x) => {
      const soft = b.add("Softmax", [x], { axis: int(1) });
      return [row(b, soft), row(b, b.add("CumSum", [x, b.int(1)]))];
    });
    const after = computeNeededRows(model);
    expect(shapesOf(after, "Softmax")).toEqual([[BATCH, TOKENS, WIDTH]]);
    expect(shapesOf(after, "CumSum")).toEqual([[BATCH, TOKENS, WIDTH]]);
    await expectSame(model, after);
  });

  it("takes the statistics of a norm in the rows of the norm", async () => {
    const model = modelOf([TOKENS, WIDTH], (b, x) => {
      const inputs = [x, weight(b, [WIDTH], 31), weight(b, [WIDTH], 32)];
      const [y = "", mean = ""] = b.addMany("LayerNormalization", inputs, 3, {
        axis: int(-1),
        epsilon: float(0.1),
      });
      return [row(b, y), row(b, mean)];
    });
    const after = computeNeededRows(model);
    expect(operators(after)).toEqual({ Slice: 1, LayerNormalization: 1, Identity: 2 });
    await expectSame(model, after);
  });

  it("keeps values by name and whole", async () => {
    const model = modelOf([TOKENS, WIDTH], (b, x) => {
      const kept = b.add("Relu", [x], {}, { outputs: ["kept"] });
      return [b.add("Exp", [row(b, b.add("Neg", [kept]))])];
    });
    const after = computeNeededRows(model, ["kept"]);
    expect(after.graph.types.get("kept")?.shape).toEqual([BATCH, TOKENS, WIDTH]);
    expect(shapesOf(after, "Neg")).toEqual([[BATCH, 1, WIDTH]]);
    await expectSame(model, after);
  });
});
