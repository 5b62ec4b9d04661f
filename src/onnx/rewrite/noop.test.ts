import { describe, expect, it } from "vitest";
import { int, ints } from "../attributes.js";
import { removeNoops } from "./noop.js";
import { expectSame, modelOf, operators, weight } from "./testing.js";

describe("removing what changes nothing", () => {
  it("leaves out identities, whole slices, empty pads, and neutral constants", async () => {
    const model = modelOf([4, 6], (b, x) => {
      const identity = b.add("Identity", [x]);
      const slice = b.add("Slice", [identity, b.ints([0]), b.ints([6]), b.ints([2])]);
      const pad = b.add("Pad", [slice, b.ints([0, 0, 0, 0, 0, 0])]);
      const shape = b.add("Reshape", [pad, b.ints([-1, 4, 6])]);
      const same = b.add("Transpose", [b.add("Mul", [b.float(1), shape])], { perm: ints([0, 1, 2]) });
      return [b.add("Relu", [b.add("Add", [same, b.float(0)])])];
    });
    const after = removeNoops(model);
    expect(operators(after)).toEqual({ Relu: 1 });
    await expectSame(model, after);
  });

  it("leaves a slice that turns an axis round", async () => {
    const model = modelOf([4], (b, x) => {
      const bounds = [[-1], [-5], [1], [-1]].map((values) => b.ints(values));
      return [b.add("Relu", [b.add("Slice", [x, ...bounds])])];
    });
    expect(operators(removeNoops(model)).Slice).toBe(1);
  });

  it("leaves a neutral constant that spreads the other operand out", () => {
    const model = modelOf([1], (b, x) => [b.add("Add", [x, b.add("Mul", [weight(b, [4]), b.float(0)])])]);
    expect(operators(removeNoops(model))).toEqual(operators(model));
  });

  it("makes one of two transposes, and none of two that undo each other", async () => {
    const model = modelOf([4, 6], (b, x) => {
      const once = b.add("Transpose", [x], { perm: ints([1, 0, 2]) });
      const twice = b.add("Transpose", [once], { perm: ints([1, 2, 0]) });
      return [b.add("Relu", [twice]), b.add("Neg", [b.add("Transpose", [once], { perm: ints([1, 0, 2]) })])];
    });
    const after = removeNoops(model);
    expect(operators(after).Transpose).toBe(1);
    await expectSame(model, after);
  });

  it("swaps two axes at once that an exporter swaps by way of merged ones", async () => {
    const model = modelOf([3, 5, 4], (b, x) => {
      const merged = b.add("Reshape", [x, b.ints([-1, 5, 4])]);
      const swapped = b.add("Transpose", [merged], { perm: ints([0, 2, 1]) });
      return [b.add("Reshape", [swapped, b.ints([-1, 3, 4, 5])])];
    });
    const after = removeNoops(model);
    expect(operators(after)).toEqual({ Transpose: 1 });
    await expectSame(model, after);
  });

  it("makes one of several changes of shape", async () => {
    const model = modelOf([4, 6], (b, x) => {
      const flat = b.add("Reshape", [x, b.ints([-1, 24])]);
      const more = b.add("Unsqueeze", [flat, b.ints([1])]);
      return [b.add("Relu", [b.add("Reshape", [more, b.ints([-1, 8, 3])])])];
    });
    const after = removeNoops(model);
    expect(operators(after)).toEqual({ Reshape: 1, Relu: 1 });
    await expectSame(model, after);
  });

  it("does not spread out what the next operator spreads out anyway", async () => {
    const model = modelOf([4, 6], (b, x) => {
      const mean = b.add("ReduceMean", [x, b.ints([2])], { keepdims: int(1) });
      return [b.add("Mul", [x, b.add("Expand", [mean, b.ints([1, 4, 6])])])];
    });
    const after = removeNoops(model);
    expect(operators(after)).toEqual({ ReduceMean: 1, Mul: 1 });
    await expectSame(model, after);
  });

  it("does not reduce axes of extent 1", async () => {
    const model = modelOf([1, 6], (b, x) => [
      b.add("Relu", [b.add("ReduceSum", [x, b.ints([1])], { keepdims: int(1) })]),
      b.add("ReduceMean", [x, b.ints([1])], { keepdims: int(0) }),
    ]);
    const after = removeNoops(model);
    expect(operators(after)).toEqual({ Relu: 1, Squeeze: 1 });
    await expectSame(model, after);
  });

  it("gives the value that an identity copies to an output the output's name", async () => {
    const model = modelOf([4], (b, x) => {
      const y = b.add("Relu", [x]);
      return [b.add("Identity", [y], {}, { outputs: ["out"] }), b.add("Neg", [y])];
    });
    const after = removeNoops(model);
    expect(operators(after)).toEqual({ Relu: 1, Neg: 1 });
    await expectSame(model, after);
  });

  it("keeps the names of outputs and of values to be kept", () => {
    const model = modelOf([4], (b, x) => [
      b.add("Relu", [b.add("Identity", [x], {}, { outputs: ["kept"] })]),
      b.add("Identity", [x], {}, { outputs: ["out"] }),
    ]);
    const after = removeNoops(model, ["kept"]);
    expect(operators(after)).toEqual({ Relu: 1, Identity: 2 });
    expect(after.graph.outputs.map((o) => o.name)).toContain("out");
  });
});
