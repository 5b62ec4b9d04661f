import { describe, expect, it } from "vitest";
import { int, ints } from "../attributes.js";
import type { GraphBuilder } from "../builder.js";
import { BATCH } from "../dim.js";
import { moveReductions } from "./reductions.js";
import { expectSame, modelOf, operators, shapesOf, weight } from "./testing.js";

const mean = (b: GraphBuilder, x: string, axes: readonly number[], keepdims = 0) =>
  b.add("ReduceMean", [x, b.ints(axes)], { keepdims: int(keepdims) });

describe("moving sums before products", () => {
  it("multiplies the mean of the rows in place of the rows", async () => {
    const model = modelOf([7, 4], (b, x) => [mean(b, b.add("MatMul", [x, weight(b, [4, 5])]), [1])]);
    const after = moveReductions(model);
    expect(shapesOf(after, "MatMul")).toEqual([[BATCH, 1, 5]]);
    await expectSame(model, after);
  });

  it("sums the left operand's columns where a transposed matrix is multiplied", async () => {
    const model = modelOf([7, 4], (b, x) => {
      const turned = b.add("Transpose", [x], { perm: ints([0, 2, 1]) });
      return [mean(b, b.add("MatMul", [turned, b.add("Exp", [x])]), [1], 1)];
    });
    const after = moveReductions(model);
    expect(shapesOf(after, "MatMul")).toEqual([[BATCH, 1, 4]]);
    expect(shapesOf(after, "ReduceSum")).toEqual([[BATCH, 1, 7]]);
    await expectSame(model, after);
  });

  it("goes through what is linear: scales, sums, joins, changes of shape, slices and zeros", async () => {
    const model = modelOf([7, 4], (b, x) => {
      const one = b.add("MatMul", [x, weight(b, [4, 6], 1)]);
      const two = b.add("Div", [
        b.add("MatMul", [b.add("Exp", [x]), weight(b, [4, 6], 2)]),
        weight(b, [6], 3),
      ]);
      const joined = b.add("Concat", [one, b.add("Sub", [two, weight(b, [6], 4)])], { axis: int(2) });
      const heads = b.add("Reshape", [joined, b.ints([-1, 7, 3, 4])]);
      const moved = b.add("Neg", [b.add("Transpose", [heads], { perm: ints([0, 2, 1, 3]) })]);
      const padded = b.add("Pad", [moved, b.ints([0, 0, 2, 0, 0, 0, 1, 0])]);
      const part = b.add("Slice", [padded, b.ints([1]), b.ints([8]), b.ints([2])]);
      return [mean(b, b.add("MatMul", [b.add("Mul", [part, b.float(0.5)]), weight(b, [4, 2], 5)]), [2])];
    });
    const after = moveReductions(model);
    for (const shape of shapesOf(after, "MatMul")) expect(shape?.at(-2)).toBe(1);
    await expectSame(model, after);
  });

  it("goes past the last layer of a residual sum before a mean over tokens", async () => {
    const model = modelOf([7, 4], (b, x) => {
      const hidden = b.add("Relu", [b.add("MatMul", [x, weight(b, [4, 16], 1)])]);
      return [mean(b, b.add("Add", [x, b.add("MatMul", [hidden, weight(b, [16, 4], 2)])]), [1])];
    });
    const after = moveReductions(model);
    expect(shapesOf(after, "MatMul")).toEqual([
      [BATCH, 7, 16],
      [BATCH, 1, 4],
    ]);
    await expectSame(model, after);
  });

  it("sums over several axes of a grid", async () => {
    const model = modelOf([3, 5, 4], (b, x) => [
      b.add("ReduceSum", [b.add("MatMul", [x, weight(b, [4, 6])]), b.ints([1, 2])], { keepdims: int(0) }),
      mean(b, b.add("MatMul", [b.add("Exp", [x]), weight(b, [4, 6])]), [-1, -2]),
    ]);
    const after = moveReductions(model);
    expect(shapesOf(after, "MatMul")[0]).toEqual([BATCH, 1, 1, 6]);
    expect(shapesOf(after, "MatMul")[1]).toEqual([BATCH, 3, 1, 1]);
    await expectSame(model, after);
  });

  it("stays where nothing is saved", () => {
    const model = modelOf([7, 4], (b, x) => {
      const used = b.add("MatMul", [x, weight(b, [4, 5])]);
      const bent = b.add("Relu", [b.add("MatMul", [x, weight(b, [4, 5], 2)])]);
      const weighed = b.add("Mul", [b.add("MatMul", [x, weight(b, [4, 5], 3)]), weight(b, [7, 5], 4)]);
      return [
        mean(b, used, [1]),
        used,
        mean(b, bent, [1]),
        mean(b, weighed, [1]),
        mean(b, b.add("Add", [x, x]), [1]),
      ];
    });
    expect(moveReductions(model).graph.nodes).toEqual(model.graph.nodes);
  });

  it("stays with a value that is to be kept", () => {
    const model = modelOf([7, 4], (b, x) => [
      mean(b, b.add("MatMul", [x, weight(b, [4, 5])], {}, { outputs: ["kept"] }), [1]),
    ]);
    expect(operators(moveReductions(model, ["kept"]))).toEqual(operators(model));
  });
});
