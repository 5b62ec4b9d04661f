import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { int, ints } from "../attributes.js";
import type { Attributes, GraphBuilder } from "../builder.js";
import { BATCH, dimAt, formatShape, type Shape } from "../dim.js";
import { float32Tensor } from "../tensor.js";
import { modelFrom } from "../testing/graphs.js";
import { feedsFor, runModel } from "../testing/run.js";
import { Inference } from "./inference.js";
import { splitSizes } from "./rules/select.js";

const weight = (g: GraphBuilder, ...dims: number[]): string =>
  g.constant(float32Tensor(dims, new Float32Array(dims.reduce((a, b) => a * b, 1)).fill(0.1)));

/** Whether the runtime makes what was inferred, for one and for three images. Undefined: the runtime refuses it. */
async function agrees(
  shape: Shape,
  write: (g: GraphBuilder, x: string) => string,
): Promise<boolean | undefined> {
  const model = modelFrom(shape, write);
  const [output] = model.graph.outputs;
  for (const batch of [1, 3]) {
    const run = await runModel(model, feedsFor(model, batch)).catch(() => undefined);
    const dims = run?.[output?.name ?? ""]?.dims;
    if (dims === undefined) return undefined;
    const inferred = output?.shape?.map((d) => dimAt(d, batch));
    // Unknown is no mistake, only a pity.
    if (inferred?.length !== dims.length || inferred.some((d, i) => d !== null && d !== dims[i]))
      return false;
  }
  return true;
}

const small = fc.integer({ min: 1, max: 5 });
const bound = fc.integer({ min: -9, max: 9 });

describe("inferred shapes", () => {
  it("are those of any Slice", () =>
    fc.assert(
      fc.asyncProperty(
        small,
        bound,
        bound,
        fc.constantFrom(-2, -1, 1, 2, 3),
        fc.constantFrom(0, 1),
        async (d, start, end, step, axis) => {
          const result = await agrees([BATCH, d], (g, x) =>
            g.add("Slice", [x, g.ints([start]), g.ints([end]), g.ints([axis]), g.ints([step])]),
          );
          expect(result).not.toBe(false);
        },
      ),
      { numRuns: 60 },
    ));

  it("are those of any convolution and pooling", () =>
    fc.assert(
      fc.asyncProperty(
        fc.record({
          size: fc.integer({ min: 4, max: 11 }),
          kernel: fc.integer({ min: 1, max: 3 }),
          stride: fc.integer({ min: 1, max: 3 }),
          pad: fc.integer({ min: 0, max: 1 }),
          dilation: fc.integer({ min: 1, max: 2 }),
          ceil: fc.constantFrom(0, 1),
        }),
        fc.constantFrom("Conv", "MaxPool", "AveragePool"),
        async ({ size, kernel, stride, pad, dilation, ceil }, op) => {
          // What ONNX Runtime refuses has no shape to agree on: windows larger than the image, padding as large as them.
          fc.pre(dilation * (kernel - 1) < size && (op === "Conv" || pad < kernel));
          const common: Attributes = {
            kernel_shape: ints([kernel, kernel]),
            strides: ints([stride, stride]),
            pads: ints([pad, pad, 0, 0]),
            dilations: ints([dilation, dilation]),
          };
          const attributes = op === "Conv" ? common : { ...common, ceil_mode: int(ceil) };
          const result = await agrees([BATCH, 2, size, size + 1], (g, x) =>
            g.add(op, op === "Conv" ? [x, weight(g, 3, 2, kernel, kernel)] : [x], attributes),
          );
          expect(result).not.toBe(false);
        },
      ),
      { numRuns: 60 },
    ));

  it("are those of any broadcast", () =>
    fc.assert(
      fc.asyncProperty(
        fc.array(small, { maxLength: 3 }),
        fc.array(fc.boolean(), { minLength: 3, maxLength: 3 }),
        async (tail, ones) => {
          const other = tail.map((d, i) => (ones[i] ? 1 : d));
          const result = await agrees([BATCH, ...tail], (g, x) => g.add("Add", [x, weight(g, ...other)]));
          expect(result).toBe(true);
        },
      ),
      { numRuns: 40 },
    ));

  it("are those of any reduction", () =>
    fc.assert(
      fc.asyncProperty(
        fc.subarray([0, -1, 1, 2]),
        fc.constantFrom(0, 1),
        fc.constantFrom(0, 1),
        async (axes, keep, noop) => {
          const result = await agrees([BATCH, 2, 3, 4], (g, x) =>
            g.add("ReduceMean", [x, g.ints(axes)], { keepdims: int(keep), noop_with_empty_axes: int(noop) }),
          );
          expect(result).not.toBe(false);
        },
      ),
      { numRuns: 30 },
    ));

  it("follow the batch through windows and back", async () => {
    const windows = (g: GraphBuilder, x: string): string => g.add("Reshape", [x, g.ints([-1, 4, 5])]);
    expect(formatShape(modelFrom([BATCH, 8, 5], windows).graph.outputs[0]?.shape)).toBe("[2N, 4, 5]");
    const back = (g: GraphBuilder, x: string): string =>
      g.add("Reshape", [windows(g, x), g.ints([-1, 8, 5])]);
    expect(formatShape(modelFrom([BATCH, 8, 5], back).graph.outputs[0]?.shape)).toBe("[N, 8, 5]");
    expect(await agrees([BATCH, 8, 5], back)).toBe(true);
  });

  it("are those of matrix products of vectors, of Einsum, Gather, TopK, Tile, Flatten and Resize", async () => {
    const cases: readonly (readonly [Shape, (g: GraphBuilder, x: string) => string])[] = [
      [[BATCH, 3, 4], (g, x) => g.add("MatMul", [x, weight(g, 4)])],
      [[BATCH, 4], (g, x) => g.add("MatMul", [weight(g, 4), g.add("Transpose", [x])])],
      [
        [BATCH, 3, 4],
        (g, x) =>
          g.add("Einsum", [x, weight(g, 4, 5)], { equation: { kind: "string", value: "bij, jk -> bki" } }),
      ],
      [[BATCH, 3, 4], (g, x) => g.add("Einsum", [x], { equation: { kind: "string", value: "bij" } })],
      [[BATCH, 3, 4], (g, x) => g.add("Gather", [x, g.int(-1)], { axis: int(1) })],
      [[BATCH, 3, 4], (g, x) => g.addMany("TopK", [x, g.ints([2])], 2, { axis: int(1) })[0] ?? ""],
      [[BATCH, 3, 4], (g, x) => g.add("Tile", [x, g.ints([2, 1, 3])])],
      [[BATCH, 3, 4], (g, x) => g.add("Flatten", [x], { axis: int(2) })],
      [[BATCH, 3, 4, 4], (g, x) => g.add("Resize", [x, "", g.constant(float32Tensor([4], [1, 1, 1.6, 2]))])],
      [[BATCH, 3, 4, 4], (g, x) => g.add("Resize", [x, "", "", g.ints([7, 6])], { axes: ints([2, 3]) })],
      [[BATCH, 8, 4, 4], (g, x) => g.add("DepthToSpace", [x], { blocksize: int(2) })],
      [[BATCH, 3, 4], (g, x) => g.add("Pad", [x, g.ints([0, 1, 0, 0, 0, 2])])],
      [[BATCH, 3, 4], (g, x) => g.add("ArgMax", [x], { axis: int(-1), keepdims: int(0) })],
      [[BATCH, 3, 4], (g, x) => g.add("Unsqueeze", [x, g.ints([-1, 0])])],
    ];
    for (const [shape, write] of cases) expect(await agrees(shape, write)).toBe(true);
  });

  it("are unknown, and no failure, where the model makes no sense", () => {
    const inference = new Inference(20);
    const node = (op: string, inputs: readonly string[]) => ({
      op,
      domain: "",
      name: "n",
      inputs,
      outputs: ["y"],
      attributes: {},
    });
    for (const op of [
      "Reshape",
      "MatMul",
      "Conv",
      "Concat",
      "Slice",
      "Split",
      "Gather",
      "Where",
      "Range",
      "Attention",
      "If",
      "Resize",
      "Einsum",
      "Gemm",
      "Transpose",
      "Squeeze",
      "LayerNormalization",
      "Constant",
      "Pad",
      "Cast",
    ]) {
      for (const inputs of [[], [""], ["nowhere"], ["nowhere", "", "nowhere"]]) {
        expect(() => inference.visit(node(op, inputs))).not.toThrow();
      }
    }
  });
});

describe("splitSizes", () => {
  it("parts N evenly where that goes for every N", () => {
    expect(splitSizes({ scale: 4, offset: 0 }, undefined, 2)).toEqual([
      { scale: 2, offset: 0 },
      { scale: 2, offset: 0 },
    ]);
    expect(splitSizes(BATCH, undefined, 2)).toEqual([null, null]);
    expect(splitSizes(7, undefined, 3)).toEqual([3, 3, 1]);
  });
});
