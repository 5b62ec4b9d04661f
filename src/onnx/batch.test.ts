import { describe, expect, it } from "vitest";
import { int, ints } from "./attributes.js";
import { makeBatched } from "./batch.js";
import { placeAfterReshape } from "./batching/reshape.js";
import type { GraphBuilder } from "./builder.js";
import { BATCH } from "./dim.js";
import type { Model } from "./graph.js";
import { float32Tensor } from "./tensor.js";
import { modelFrom } from "./testing/graphs.js";
import { difference, feedsFor, noise, type Outputs, runModel } from "./testing/run.js";

const weight = (g: GraphBuilder, ...dims: number[]): string =>
  g.constant(
    float32Tensor(
      dims,
      noise(
        dims.reduce((a, b) => a * b, 1),
        3,
      ),
    ),
  );

/** Largest difference between images run together and one by one. */
async function gap(model: Model, batch = 3): Promise<number> {
  const many = makeBatched(model);
  if (many === undefined) throw new Error("not batched");
  const together = await runModel(many, feedsFor(many, batch));
  const size = [...(model.graph.inputs[0]?.shape ?? [])].reduce<number>((n, d) => n * Number(d), 1);
  const all = noise(batch * size);
  let worst = 0;
  for (let i = 0; i < batch; i++) {
    const feeds = feedsFor(model, 1, 1, all.subarray(i * size, (i + 1) * size));
    const alone = await runModel(model, feeds);
    const part = Object.entries(together).map(([name, { dims, data }]) => {
      const each = data.length / batch;
      return [name, { dims: [1, ...dims.slice(1)], data: data.slice(i * each, (i + 1) * each) }] as const;
    });
    worst = Math.max(worst, difference(alone, Object.fromEntries(part) as Outputs));
  }
  return worst;
}

describe("makeBatched", () => {
  it("gives the class token to every image", async () => {
    const model = modelFrom([1, 4, 6], (g, x) => g.add("Concat", [weight(g, 1, 1, 6), x], { axis: int(1) }));
    expect(makeBatched(model)?.graph.outputs[0]?.shape).toEqual([BATCH, 5, 6]);
    expect(await gap(model)).toBe(0);
  });

  it("follows the batch through windows and back", async () => {
    const model = modelFrom([1, 4, 6, 5], (g, x) => {
      const apart = g.add("Reshape", [x, g.ints([1, 2, 2, 3, 2, 5])]);
      const turned = g.add("Transpose", [apart], { perm: ints([0, 1, 3, 2, 4, 5]) });
      const windows = g.add("Reshape", [turned, g.ints([6, 4, 5])]);
      const product = g.add("MatMul", [windows, weight(g, 5, 5)]);
      const masked = g.add("Add", [product, weight(g, 6, 4, 1)]);
      const back = g.add("Reshape", [masked, g.ints([1, 2, 3, 2, 2, 5])]);
      return g.add("Reshape", [
        g.add("Transpose", [back], { perm: ints([0, 1, 3, 2, 4, 5]) }),
        g.ints([1, 24, 5]),
      ]);
    });
    expect(makeBatched(model)?.graph.outputs[0]?.shape).toEqual([BATCH, 24, 5]);
    expect(await gap(model)).toBeLessThan(1e-6);
  });

  it("finds the batch behind the sequence, as in PyTorch's own attention", async () => {
    const model = modelFrom([1, 5, 6], (g, x) => {
      const sequence = g.add("Transpose", [x], { perm: ints([1, 0, 2]) });
      const heads = g.add("Reshape", [sequence, g.ints([5, 2, 3])]);
      const first = g.add("Transpose", [heads], { perm: ints([1, 0, 2]) });
      const scores = g.add("MatMul", [first, g.add("Transpose", [first], { perm: ints([0, 2, 1]) })]);
      const context = g.add("MatMul", [g.add("Softmax", [scores], { axis: int(-1) }), first]);
      const merged = g.add("Reshape", [
        g.add("Transpose", [context], { perm: ints([1, 0, 2]) }),
        g.ints([5, 1, 6]),
      ]);
      return g.add("Transpose", [merged], { perm: ints([1, 0, 2]) });
    });
    expect(await gap(model)).toBeLessThan(1e-6);
  });

  it("follows a batch that is inside of the rows of a matrix", async () => {
    const model = modelFrom([1, 5, 6], (g, x) => {
      const sequence = g.add("Transpose", [x], { perm: ints([1, 0, 2]) });
      const rows = g.add("Gemm", [g.add("Reshape", [sequence, g.ints([5, 6])]), weight(g, 6, 6)]);
      const apart = g.add("Reshape", [g.add("Relu", [rows]), g.ints([5, 1, 6])]);
      return g.add("Transpose", [apart], { perm: ints([1, 0, 2]) });
    });
    expect(await gap(model)).toBeLessThan(1e-6);
  });

  it("takes whole axes in a Slice for any number of images", async () => {
    const model = modelFrom([1, 4, 6], (g, x) =>
      g.add("Slice", [x, g.ints([0, 1]), g.ints([1, 3]), g.ints([0, 1])]),
    );
    expect(makeBatched(model)?.graph.outputs[0]?.shape).toEqual([BATCH, 2, 6]);
    expect(await gap(model)).toBe(0);
  });

  it.each<[string, Model]>([
    ["a mean over the batch", modelFrom([1, 4], (g, x) => g.add("ReduceMean", [x, g.ints([0])]))],
    ["a mean over everything", modelFrom([1, 4], (g, x) => g.add("ReduceMean", [x]))],
    ["a softmax over the batch", modelFrom([1, 4], (g, x) => g.add("Softmax", [x], { axis: int(0) }))],
    [
      "images multiplied with each other",
      modelFrom([1, 4], (g, x) => g.add("MatMul", [g.add("Transpose", [x], { perm: ints([1, 0]) }), x])),
    ],
    ["a batch that is squeezed away", modelFrom([1, 4], (g, x) => g.add("Squeeze", [x, g.ints([0])]))],
    ["the first image picked", modelFrom([1, 4], (g, x) => g.add("Gather", [x, g.int(0)], { axis: int(0) }))],
    [
      "an operator nobody knows",
      modelFrom([1, 4], (g, x) => g.add("Mystery", [x], {}, { domain: "org.example" })),
    ],
    ["an output without the batch", modelFrom([1, 4], (g) => g.add("Relu", [weight(g, 2, 2)]))],
    ["no batch of one", modelFrom([2, 4], (g, x) => g.add("Relu", [x]))],
  ])("gives up at %s", (_, model) => {
    expect(makeBatched(model)).toBeUndefined();
  });
});

describe("placeAfterReshape", () => {
  const placed = (source: number[], axis: number, target: number[], outer = 1) =>
    placeAfterReshape(source, { axis, outer }, target);

  it("finds the axis that begins where the batch stands", () => {
    expect(placed([1, 65, 144], 0, [1, 65, 3, 3, 16])).toEqual({ axis: 0, outer: 1 });
    expect(placed([5, 1, 6], 1, [5, 2, 3])).toEqual({ axis: 1, outer: 1 });
    expect(placed([4, 16, 24], 0, [1, 2, 2, 4, 4, 24])).toEqual({ axis: 0, outer: 1 });
    expect(placed([1, 1, 6], 1, [1, 1, 6])).toEqual({ axis: 1, outer: 1 });
  });

  it("finds the batch inside of an axis, and out of it again", () => {
    expect(placed([5, 1, 2, 3], 1, [5, 6])).toEqual({ axis: 0, outer: 5 });
    expect(placed([5, 6], 0, [5, 1, 6], 5)).toEqual({ axis: 1, outer: 1 });
    expect(placed([5, 1, 6], 1, [30])).toEqual({ axis: 0, outer: 5 });
  });

  it("finds none where the axes are cut otherwise", () => {
    expect(placed([5, 1, 6], 1, [3, 10])).toBeUndefined();
  });
});
