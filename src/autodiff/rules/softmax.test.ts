import * as fc from "fast-check";
import { describe, it } from "vitest";
import { int } from "../../onnx/attributes.js";
import { checkProperty, shapes } from "../testing/finite-differences.js";

describe("gradients of softmax", () => {
  for (const op of ["Softmax", "LogSoftmax"]) {
    it(`${op} along any axis`, () =>
      checkProperty(fc.tuple(shapes(1, 3), fc.nat()), ([shape, n]) => ({
        shapes: [shape.map((d) => d + 1)],
        body: (g, x) => g.add(op, x, { axis: int((n % (2 * shape.length)) - shape.length) }),
      })));
  }
});
