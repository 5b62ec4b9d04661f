import * as fc from "fast-check";
import { describe, it } from "vitest";
import { float, int } from "../../onnx/attributes.js";
import { float32Tensor } from "../../onnx/tensor.js";
import { checkProperty } from "../testing/finite-differences.js";

const extent = fc.integer({ min: 2, max: 3 });
const EPSILON = { epsilon: float(1e-2) };
const vector = (length: number, at: number) =>
  float32Tensor(
    [length],
    Array.from({ length }, (_, i) => at + 0.3 * i),
  );

describe("gradients of norms over other axes", () => {
  it("BatchNormalization with fixed statistics", () =>
    checkProperty(fc.tuple(extent, extent, extent), ([n, c, h]) => ({
      shapes: [[n, c, h, 2]],
      dtype: "float32",
      body: (g, [x = ""]) => {
        const [scale, bias, mean, variance] = [1, 0.5, -0.2, 0.7].map((at) => g.constant(vector(c, at)));
        return g.add("BatchNormalization", [x, scale ?? "", bias ?? "", mean ?? "", variance ?? ""], EPSILON);
      },
    })));

  it("InstanceNormalization", () =>
    checkProperty(fc.tuple(extent, extent, extent), ([n, c, h]) => ({
      shapes: [[n, c, h, 3]],
      dtype: "float32",
      body: (g, [x = ""]) =>
        g.add("InstanceNormalization", [x, g.constant(vector(c, 1)), g.constant(vector(c, -1))], EPSILON),
    })));

  it("GroupNormalization with a scale for each group", () =>
    checkProperty(fc.tuple(extent, extent, extent), ([n, groups, h]) => ({
      shapes: [[n, 2 * groups, h, 2]],
      dtype: "float32",
      batch: true,
      body: (g, [x = ""]) =>
        g.add("GroupNormalization", [x, g.constant(vector(groups, 1)), g.constant(vector(groups, -1))], {
          num_groups: int(groups),
          ...EPSILON,
        }),
    })));

  for (const p of [1, 2]) {
    it(`LpNormalization with p = ${p}`, () =>
      checkProperty(fc.tuple(extent, extent, fc.constantFrom(0, 1, -1)), ([a, b, axis]) => ({
        shapes: [[a, b]],
        kinks: [0],
        body: (g, x) => g.add("LpNormalization", x, { p: int(p), axis: int(axis) }),
      })));
  }
});
