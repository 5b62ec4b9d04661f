import * as fc from "fast-check";
import { describe, it } from "vitest";
import { int, string } from "../../onnx/attributes.js";
import type { GraphBuilder } from "../../onnx/builder.js";
import { int64Tensor } from "../../onnx/tensor.js";
import { checkGradient, checkProperty } from "../testing/finite-differences.js";

const square = (g: GraphBuilder, y: string) => g.add("Mul", [y, y]);

/** Indices that the graph computes, so that no constant is known. */
const computed = (g: GraphBuilder, x: string, dims: readonly number[], values: readonly number[]) => {
  const zero = g.add(
    "Cast",
    [g.add("ReduceMin", [g.add("Mul", [x, g.float(0, "float64")])], { keepdims: int(0) })],
    { to: int(7) },
  );
  return g.add("Add", [g.constant(int64Tensor(dims, values)), zero]);
};

describe("gradients of indexed reading and writing", () => {
  it("Gather at constant positions: scalars, runs, permutations, repetitions, matrices of indices", () =>
    checkProperty(
      fc.tuple(
        fc.integer({ min: 1, max: 4 }),
        fc.constantFrom(0, 1, -1),
        fc.constantFrom<number[]>([], [1], [3], [4], [2, 2]),
        fc.nat(),
      ),
      ([size, axis, dims, n]) => {
        const shape = axis === 0 ? [size, 2, 2] : axis === 1 ? [2, size, 2] : [2, 2, size];
        const count = dims.reduce((a, b) => a * b, 1);
        const positions = Array.from(
          { length: count },
          (_, i) => ((n + i * (1 + (n % 3))) % (2 * size)) - size,
        );
        return {
          shapes: [shape],
          body: (g, [x = ""]) =>
            square(g, g.add("Gather", [x, g.constant(int64Tensor(dims, positions))], { axis: int(axis) })),
        };
      },
      50,
    ));

  it("Gather with a symbolic batch in front", () =>
    checkGradient({
      shapes: [[2, 4, 2]],
      batch: true,
      body: (g, [x = ""]) =>
        square(g, g.add("Gather", [x, g.constant(int64Tensor([2, 2], [0, 3, 3, -3]))], { axis: int(1) })),
    }));

  it("Gather at computed positions", () =>
    checkProperty(
      fc.tuple(fc.constantFrom(0, 1, 2), fc.constantFrom<number[]>([], [3], [2, 2])),
      ([axis, dims]) => ({
        shapes: [[3, 3, 3]],
        body: (g, [x = ""]) => {
          const count = dims.reduce((a, b) => a * b, 1);
          const indices = computed(
            g,
            x,
            dims,
            Array.from({ length: count }, (_, i) => [2, 0, 2, -2][i] ?? 0),
          );
          return square(g, g.add("Gather", [x, indices], { axis: int(axis) }));
        },
      }),
    ));

  it("GatherElements", () =>
    checkGradient({
      shapes: [[2, 3]],
      body: (g, [x = ""]) =>
        square(
          g,
          g.add("GatherElements", [x, g.constant(int64Tensor([2, 2], [0, 0, 2, 1]))], { axis: int(1) }),
        ),
    }));

  it("GatherND", () =>
    checkGradient({
      shapes: [[2, 3, 2]],
      body: (g, [x = ""]) =>
        square(g, g.add("GatherND", [x, g.constant(int64Tensor([3, 2], [0, 1, 1, 2, 0, 1]))])),
    }));

  for (const reduction of ["none", "add"]) {
    it(`ScatterND with reduction "${reduction}", by data and updates`, () =>
      checkGradient({
        shapes: [
          [4, 2],
          [2, 2],
        ],
        body: (g, [x = "", u = ""]) =>
          square(
            g,
            g.add("ScatterND", [x, g.constant(int64Tensor([2, 1], [3, 1])), u], {
              reduction: string(reduction),
            }),
          ),
      }));

    it(`ScatterElements with reduction "${reduction}", by data and updates`, () =>
      checkGradient({
        shapes: [
          [3, 2],
          [2, 2],
        ],
        body: (g, [x = "", u = ""]) =>
          square(
            g,
            g.add("ScatterElements", [x, g.constant(int64Tensor([2, 2], [0, 1, 2, 0])), u], {
              axis: int(0),
              reduction: string(reduction),
            }),
          ),
      }));
  }

  it("CumSum in both directions, inclusive or not", () =>
    checkProperty(fc.tuple(fc.boolean(), fc.boolean()), ([reverse, exclusive]) => ({
      shapes: [[2, 4]],
      body: (g, [x = ""]) =>
        square(
          g,
          g.add("CumSum", [x, g.int(1)], {
            reverse: int(reverse ? 1 : 0),
            exclusive: int(exclusive ? 1 : 0),
          }),
        ),
    })));

  it("Trilu", () =>
    checkProperty(fc.tuple(fc.constantFrom(0, 1), fc.constantFrom(undefined, -1, 0, 1)), ([upper, k]) => ({
      shapes: [[2, 3, 3]],
      body: (g, [x = ""]) =>
        square(g, g.add("Trilu", [x, ...(k === undefined ? [] : [g.int(k)])], { upper: int(upper) })),
    })));
});
