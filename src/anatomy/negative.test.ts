import { describe, expect, it } from "vitest";
import { corpus } from "../../test/corpus.js";
import { ints } from "../onnx/attributes.js";
import { GraphBuilder } from "../onnx/builder.js";
import { BATCH, type Shape } from "../onnx/dim.js";
import { VitreousError } from "../onnx/errors.js";
import type { DataType, Model } from "../onnx/graph.js";
import { readModelFile } from "../onnx/node/read-file.js";
import { prepare } from "../onnx/prepare.js";
import { float32Tensor } from "../onnx/tensor.js";
import { readAnatomy } from "./read.js";

interface Given {
  readonly shape?: Shape;
  readonly dtype?: DataType;
}

/** A model whose nodes `build` adds to the input x; it gives the outputs' names. */
function modelOf(build: (b: GraphBuilder) => readonly string[], given: Given = {}): Model {
  const b = GraphBuilder.empty();
  b.input({ name: "x", dtype: given.dtype ?? "float32", shape: given.shape ?? [BATCH, 3, 16, 16] });
  const outputs = build(b);
  return {
    irVersion: 9,
    opsets: new Map([["", 20]]),
    producer: "",
    metadata: new Map(),
    graph: b.build(outputs),
    functions: [],
  };
}

const weights = (b: GraphBuilder, dims: readonly number[]): string => {
  const count = dims.reduce((p, d) => p * d, 1);
  return b.constant(
    float32Tensor(
      dims,
      Float32Array.from({ length: count }, (_, i) => Math.sin(i)),
    ),
  );
};

/** Same-size padding, none where patches are cut out. */
function conv(b: GraphBuilder, x: string, dims: readonly number[], stride: number): string {
  const kernel = dims[2] ?? 1;
  const pad = kernel === stride ? 0 : (kernel - 1) / 2;
  return b.add("Conv", [x, weights(b, dims)], {
    kernel_shape: ints([kernel, kernel]),
    strides: ints([stride, stride]),
    pads: ints([pad, pad, pad, pad]),
  });
}

const classify = (b: GraphBuilder, features: string, width: number): string =>
  b.add("MatMul", [features, weights(b, [width, 5])]);

function resnet(b: GraphBuilder): string {
  let x = b.add("Relu", [conv(b, "x", [8, 3, 3, 3], 2)]);
  for (let i = 0; i < 4; i++)
    x = b.add("Add", [x, conv(b, b.add("Relu", [conv(b, x, [8, 8, 3, 3], 1)]), [8, 8, 3, 3], 1)]);
  return classify(b, b.add("Flatten", [b.add("GlobalAveragePool", [x])]), 8);
}

function mixer(b: GraphBuilder): string {
  const patches = b.add("Reshape", [conv(b, "x", [8, 3, 4, 4], 4), b.ints([0, 8, 16])]);
  const mixed = b.add("Add", [patches, b.add("MatMul", [b.add("Gelu", [patches]), weights(b, [16, 16])])]);
  const tokens = b.add("Transpose", [mixed], { perm: ints([0, 2, 1]) });
  const mean = b.add("ReduceMean", [b.add("MatMul", [tokens, weights(b, [8, 8])]), b.ints([1])], {
    keepdims: { kind: "int", value: 0 },
  });
  return classify(b, mean, 8);
}

describe("what is no vision transformer", () => {
  it("a convolutional network is a classifier that black-box metrics work on", () => {
    const anatomy = readAnatomy(modelOf((b) => [resnet(b)]));
    expect(anatomy).toMatchObject({
      family: "unknown",
      blocks: [],
      output: { kind: "logits", classes: 5 },
      image: [16, 16],
    });
    expect(anatomy.why.join(" ")).toMatch(/No self-attention.*convolutional network.*metrics/);
  });

  it("a final Softmax is no attention", () => {
    const anatomy = readAnatomy(modelOf((b) => [b.add("Softmax", [resnet(b)])]));
    expect(anatomy).toMatchObject({ family: "unknown", output: { kind: "probabilities" } });
    expect(anatomy.output.logits).not.toBe(anatomy.output.name);
  });

  it("an MLP-Mixer mixes tokens without attention", () => {
    const anatomy = readAnatomy(modelOf((b) => [mixer(b)]));
    expect(anatomy).toMatchObject({ family: "unknown", blocks: [], layers: [] });
    expect(anatomy.why.join(" ")).toMatch(/may mix tokens in another way/);
  });

  it("a text model takes no image", () => {
    const text = modelOf((b) => [classify(b, b.add("Cast", ["x"], { to: { kind: "int", value: 1 } }), 12)], {
      shape: [BATCH, 12],
      dtype: "int64",
    });
    expect(() => readAnatomy(text)).toThrow(VitreousError);
    expect(() => readAnatomy(text)).toThrow(/takes no image: .*x int64 \[N, 12\]/);
  });

  it("a segmenter, a detector and a model without its head have no class scores", () => {
    for (const build of [
      (b: GraphBuilder) => [conv(b, "x", [5, 3, 3, 3], 1)],
      (b: GraphBuilder) => [b.add("Reshape", [conv(b, "x", [5, 3, 4, 4], 4), b.ints([0, 16, 5])])],
    ]) {
      expect(() => readAnatomy(modelOf(build))).toThrow(/no classifier: an output of shape \[N, classes\]/);
    }
  });

  it("a graph that leaves the image size open is asked for it", () => {
    const open = modelOf((b) => [resnet(b)], { shape: [BATCH, 3, null, null] });
    expect(() => readAnatomy(open)).toThrow(/image size is not fixed.*\[N, 3, \?, \?\]/);
  });

  it("two images in are one too many unless one is named", () => {
    const model = modelOf((b) => {
      b.input({ name: "second", dtype: "float32", shape: [BATCH, 3, 16, 16] });
      return [resnet(b)];
    });
    expect(() => readAnatomy(model)).toThrow(/several images/);
    expect(readAnatomy(model, { input: "x" }).input.name).toBe("x");
    expect(() => readAnatomy(model, { input: "z" })).toThrow(/no input z.*x float32/);
  });

  it("features that look like no class scores are said to", () => {
    const anatomy = readAnatomy(
      modelOf((b) => [
        b.add("Tanh", [classify(b, b.add("Flatten", [b.add("GlobalAveragePool", ["x"])]), 3)]),
      ]),
    );
    expect(anatomy.notes.join(" ")).toMatch(/looks like features/);
  });
});

describe("a quantised vision transformer", () => {
  const quantised = corpus().flatMap((m) =>
    m.exports.filter((e) => e.quantized).map((e) => ({ model: m, file: e })),
  );
  it.skipIf(quantised.length === 0)("is still read: its attention maps are there", async () => {
    for (const { model, file } of quantised) {
      const { model: raw } = await readModelFile(file.path);
      const anatomy = readAnatomy(prepare(raw));
      expect(anatomy).toMatchObject({ family: model.family, prefixTokens: model.prefixTokens });
      expect(anatomy.blocks).toHaveLength(model.blocks);
    }
  });
});
