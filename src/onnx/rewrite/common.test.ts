import { describe, expect, it } from "vitest";
import { int } from "../attributes.js";
import { float32Tensor } from "../tensor.js";
import { shareCommon } from "./common.js";
import { removeDead } from "./dead.js";
import { expectSame, modelOf, operators } from "./testing.js";

describe("common subexpressions", () => {
  it("are computed once, also where their constants are two with the same content", async () => {
    const large = () => float32Tensor([300], new Float32Array(300).fill(2));
    const model = modelOf([300], (b, x) => {
      const one = b.add("Exp", [b.add("Mul", [x, b.constant(large(), "first")])]);
      const two = b.add("Exp", [b.add("Mul", [x, b.constant(large(), "second")])]);
      return [b.add("Add", [one, two])];
    });
    const shared = removeDead(shareCommon(model));
    expect(operators(shared)).toEqual({ Mul: 1, Exp: 1, Add: 1 });
    expect(shared.graph.constants.size).toBe(1);
    await expectSame(model, shared);
  });

  it("differ where attributes do", () => {
    const model = modelOf([4, 4], (b, x) => [
      b.add("Add", [b.add("Softmax", [x], { axis: int(1) }), b.add("Softmax", [x], { axis: int(2) })]),
    ]);
    expect(operators(shareCommon(model))).toEqual({ Softmax: 2, Add: 1 });
  });

  it("stay where they are outputs or to be kept", () => {
    const model = modelOf([4], (b, x) => [b.add("Relu", [x]), b.add("Relu", [x])]);
    expect(operators(shareCommon(model))).toEqual({ Relu: 2 });
  });

  it("are not taken for equal where they are random", () => {
    const model = modelOf([4], (b, x) => {
      const one = b.add("RandomNormalLike", [x]);
      const two = b.add("RandomNormalLike", [x]);
      return [b.add("Sub", [one, two])];
    });
    expect(operators(shareCommon(model)).RandomNormalLike).toBe(2);
  });
});
