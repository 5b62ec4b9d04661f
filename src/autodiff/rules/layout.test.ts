import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { int, ints, string } from "../../onnx/attributes.js";
import { boolTensor } from "../../onnx/tensor.js";
import { checkGradient, checkProperty, gradientError, shapes } from "../testing/finite-differences.js";

const permutation = (rank: number) =>
  fc.shuffledSubarray(
    Array.from({ length: rank }, (_, i) => i),
    { minLength: rank, maxLength: rank },
  );

/** So that the gradient is not the seed itself. */
const squared = (g: { add(op: string, inputs: readonly string[]): string }, y: string) =>
  g.add("Mul", [y, y]);

describe("gradients of moving and repeating elements", () => {
  it("Transpose", () =>
    checkProperty(
      shapes(1, 4).chain((shape) => fc.tuple(fc.constant(shape), permutation(shape.length))),
      ([shape, perm]) => ({
        shapes: [shape],
        body: (g, x) => squared(g, g.add("Transpose", x, { perm: ints(perm) })),
      }),
    ));

  it("Transpose without a permutation reverses the axes", () =>
    checkProperty(shapes(2, 3), (shape) => ({
      shapes: [shape],
      body: (g, x) => squared(g, g.add("Transpose", x)),
    })));

  it("Reshape with a symbolic batch", () =>
    checkProperty(fc.tuple(shapes(1, 1), shapes(2, 3)), ([[n = 1], rest]) => ({
      shapes: [[n, ...rest]],
      batch: true,
      body: (g, [x = ""]) => squared(g, g.add("Reshape", [x, g.ints([0, -1])])),
    })));

  it("Flatten, Squeeze and Unsqueeze", () =>
    checkProperty(shapes(2, 3), (shape) => ({
      shapes: [shape],
      body: (g, [x = ""]) => {
        const y = g.add("Squeeze", [g.add("Unsqueeze", [x, g.ints([0, 2])]), g.ints([0])]);
        return squared(g, g.add("Flatten", [y], { axis: int(1) }));
      },
    })));

  it("Expand sums what it repeated", () =>
    checkProperty(fc.tuple(shapes(1, 3), fc.nat({ max: 2 })), ([shape, more]) => ({
      shapes: [shape.map((d, i) => (i % 2 === 0 ? 1 : d))],
      body: (g, [x = ""]) => squared(g, g.add("Expand", [x, g.ints([...Array(more).fill(2), ...shape])])),
    })));

  it("Tile", () =>
    checkProperty(
      shapes(1, 3).chain((s) =>
        fc.tuple(fc.constant(s), fc.tuple(...s.map(() => fc.integer({ min: 1, max: 3 })))),
      ),
      ([shape, repeats]) => ({
        shapes: [shape],
        body: (g, [x = ""]) => squared(g, g.add("Tile", [x, g.ints(repeats)])),
      }),
    ));

  for (const mode of ["DCR", "CRD"]) {
    it(`DepthToSpace ${mode} with a symbolic batch`, () =>
      checkGradient({
        shapes: [[2, 8, 2, 1]],
        batch: true,
        body: (g, x) => squared(g, g.add("DepthToSpace", x, { blocksize: int(2), mode: string(mode) })),
      }));
  }

  it("SpaceToDepth", () =>
    checkGradient({
      shapes: [[2, 2, 4, 2]],
      body: (g, x) => squared(g, g.add("SpaceToDepth", x, { blocksize: int(2) })),
    }));

  it("Cast between floating-point types", () =>
    checkGradient({
      shapes: [[3]],
      dtype: "float32",
      body: (g, [x = ""]) => {
        const wide = g.add("Cast", [x], { to: int(11) });
        return g.add("Cast", [g.add("Mul", [wide, wide])], { to: int(1) });
      },
    }));

  it("Identity and Dropout pass on, but not dropout in training mode", async () => {
    const body =
      (training: boolean) =>
      (g: Parameters<Parameters<typeof gradientError>[0]["body"]>[0], x: readonly string[]) =>
        g.add("Dropout", [g.add("Identity", x), g.float(0.5), g.constant(boolTensor([], [training]))]);
    await checkGradient({ shapes: [[3]], dtype: "float32", body: body(false) });
    await expect(gradientError({ shapes: [[3]], dtype: "float32", body: body(true) })).rejects.toThrow(
      /training mode/,
    );
  });
});
