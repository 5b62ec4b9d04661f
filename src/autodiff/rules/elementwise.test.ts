import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { tensorOf } from "../../onnx/shape/array.js";
import {
  broadcastPair,
  checkGradient,
  checkProperty,
  gradientError,
  shapes,
} from "../testing/finite-differences.js";

describe("gradients of elementwise operators with broadcasting", () => {
  for (const op of ["Add", "Sub", "Mul", "Sum"]) {
    it(op, () =>
      checkProperty(broadcastPair, ([a, b]) => ({ shapes: [a, b], body: (g, x) => g.add(op, x) })),
    );
  }

  it("Mean", () =>
    checkProperty(broadcastPair, ([a, b]) => ({
      shapes: [a, b],
      dtype: "float32",
      body: (g, x) => g.add("Mean", x),
    })));

  it("Div, away from zero", () =>
    checkProperty(broadcastPair, ([a, b]) => ({
      shapes: [a, b],
      range: [0.5, 3],
      body: (g, x) => g.add("Div", x),
    })));

  it("Pow by a tensor", () =>
    checkProperty(broadcastPair, ([a, b]) => ({
      shapes: [a, b],
      range: [0.5, 2.5],
      body: (g, x) => g.add("Pow", x),
    })));

  it("Pow by a constant, whatever its type", () =>
    checkProperty(
      fc.tuple(shapes(), fc.constantFrom(0, 1, 2, 3, 0.5, -1, -0.5, 1.7), fc.boolean()),
      ([shape, p, whole]) => ({
        shapes: [shape],
        range: [0.5, 2.5],
        body: (g, [x = ""]) => {
          const dtype = whole && Number.isInteger(p) ? "int64" : "float64";
          return g.add("Pow", [x, g.constant(tensorOf(dtype, [], [p]))]);
        },
      }),
      24,
    ));

  for (const op of ["Max", "Min"]) {
    it(`${op} of three`, () =>
      checkProperty(broadcastPair, ([a, b]) => ({
        shapes: [a, b, [1]],
        range: [-4, 4],
        seed: 7 + a.length,
        body: (g, x) => g.add(op, x),
      })));
  }

  it("shares the gradient of Max between equal operands", async () => {
    const error = await gradientError({
      shapes: [[2]],
      body: (g, [x = ""]) => g.add("Max", [x, x]),
    });
    expect(error).toBeLessThan(1e-7);
  });

  it("Where, by both values", () =>
    checkProperty(broadcastPair, ([a, b]) => ({
      shapes: [a, b],
      body: (g, [x = "", y = ""]) =>
        g.add("Where", [g.constant(tensorOf("bool", [], [a.length % 2])), x, g.add("Mul", [y, y])]),
    })));

  it("Clip on either side or both, with bounds absent", () =>
    checkProperty(fc.tuple(shapes(), fc.boolean(), fc.boolean()), ([shape, low, high]) => ({
      shapes: [shape],
      kinks: [-0.5, 0.8],
      body: (g, [x = ""]) =>
        g.add("Clip", [x, low ? g.float(-0.5, "float64") : "", high ? g.float(0.8, "float64") : ""]),
    })));

  it("PRelu, by its slope too", () =>
    checkProperty(shapes(2, 3), (shape) => ({
      shapes: [shape, [shape.at(-1) ?? 1]],
      kinks: [0],
      dtype: "float32",
      body: (g, x) => g.add("PRelu", x),
    })));

  it("sums over a symbolic batch that a constant-shaped operand was repeated along", () =>
    checkGradient({
      shapes: [
        [3, 2],
        [3, 2],
      ],
      batch: true,
      body: (g, [x = "", y = ""]) =>
        g.add("Add", [g.add("Mul", [x, y]), g.add("ReduceSum", [x, g.ints([0])])]),
    }));
});
