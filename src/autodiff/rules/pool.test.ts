import * as fc from "fast-check";
import { describe, it } from "vitest";
import { int, ints } from "../../onnx/attributes.js";
import { checkProperty } from "../testing/finite-differences.js";

const window = fc.tuple(
  fc.integer({ min: 1, max: 3 }),
  fc.integer({ min: 1, max: 2 }),
  fc.nat({ max: 1 }),
  fc.boolean(),
  fc.boolean(),
);

describe("gradients of pooling", () => {
  it("AveragePool, counting padding or not, rounding up or not", () =>
    checkProperty(
      window,
      ([kernel, stride, pad, count, ceil]) => ({
        shapes: [[2, 2, 5, 6]],
        dtype: "float32",
        body: (g, x) =>
          g.add("AveragePool", x, {
            kernel_shape: ints([kernel, 2]),
            strides: ints([stride, 2]),
            pads: ints([Math.min(pad, kernel - 1), 0, Math.min(pad, kernel - 1), 1]),
            count_include_pad: int(count ? 1 : 0),
            ceil_mode: int(ceil ? 1 : 0),
          }),
      }),
      30,
    ));

  it("MaxPool", () =>
    checkProperty(
      window,
      ([kernel, stride, pad, _, ceil]) => ({
        shapes: [[2, 2, 4, 5]],
        dtype: "float32",
        distinct: true,
        body: (g, x) =>
          g.add("MaxPool", x, {
            kernel_shape: ints([kernel, 2]),
            strides: ints([stride, 1]),
            pads: ints([Math.min(pad, kernel - 1), 0, 0, 0]),
            ceil_mode: int(ceil ? 1 : 0),
          }),
      }),
      12,
    ));

  for (const op of ["GlobalAveragePool", "GlobalMaxPool"]) {
    it(op, () =>
      checkProperty(
        fc.integer({ min: 1, max: 3 }),
        (h) => ({
          shapes: [[2, 2, h, 2]],
          dtype: "float32",
          distinct: true,
          batch: true,
          body: (g, x) => g.add(op, x),
        }),
        4,
      ),
    );
  }
});
