import { describe, expect, it } from "vitest";
import { int, ints } from "../onnx/attributes.js";
import { GraphBuilder } from "../onnx/builder.js";
import { BATCH, type Shape } from "../onnx/dim.js";
import type { Model } from "../onnx/graph.js";
import { float32Tensor } from "../onnx/tensor.js";
import { settleInput } from "./input-size.js";

/** Patches of 8 pixels and a position embedding for `tokens` tokens, if any. */
function modelOf(shape: Shape, tokens?: number): Model {
  const b = GraphBuilder.empty();
  b.input({ name: "x", dtype: "float32", shape });
  const weight = b.constant(float32Tensor([4, 3, 8, 8], new Float32Array(768)));
  const patches = b.add("Conv", ["x", weight], { strides: ints([8, 8]), kernel_shape: ints([8, 8]) });
  const outputs = [patches];
  if (tokens !== undefined) {
    const positions = b.constant(float32Tensor([1, tokens, 4], new Float32Array(tokens * 4)));
    const registers = b.constant(float32Tensor([1, 4, 4], new Float32Array(16)));
    outputs.push(b.add("Concat", [registers, positions], { axis: int(1) }));
  }
  return {
    irVersion: 9,
    opsets: new Map([["", 20]]),
    producer: "",
    metadata: new Map(),
    graph: b.build(outputs),
    functions: [],
  };
}

const shapeOf = (model: Model): Shape | undefined => model.graph.inputs[0]?.shape;

describe("an input that leaves its size open", () => {
  it.each([
    [16, [32, 32]],
    [17, [32, 32]],
    [18, [32, 32]],
    [21, [32, 32]],
    [50, [56, 56]],
  ])("is settled by a position embedding of %i tokens", (tokens, size) => {
    const model = settleInput(modelOf([BATCH, null, null, null], tokens));
    expect(shapeOf(model)).toEqual([BATCH, 3, ...size]);
  });

  it("is settled by what the caller says first of all", () => {
    const model = settleInput(modelOf([BATCH, null, null, null], 17), [64, 48]);
    expect(shapeOf(model)).toEqual([BATCH, 3, 64, 48]);
  });

  it("is settled by the size that images are prepared in where the weights do not tell it", () => {
    const open = [BATCH, null, null, null];
    expect(shapeOf(settleInput(modelOf(open), undefined, [64, 48]))).toEqual([BATCH, 3, 64, 48]);
    expect(shapeOf(settleInput(modelOf(open, 17), undefined, [64, 48]))).toEqual([BATCH, 3, 32, 32]);
  });

  it("keeps what it says itself", () => {
    const model = settleInput(modelOf([BATCH, 3, 40, null], 26));
    expect(shapeOf(model)).toEqual([BATCH, 3, 40, 40]);
    const fixed = modelOf([BATCH, 3, 24, 16], 17);
    expect(shapeOf(settleInput(fixed))).toEqual([BATCH, 3, 24, 16]);
  });

  it("stays open where nothing tells the size", () => {
    expect(shapeOf(settleInput(modelOf([BATCH, null, null, null])))).toEqual([BATCH, 3, null, null]);
  });
});
