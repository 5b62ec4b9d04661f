import * as fc from "fast-check";
import { describe, it } from "vitest";
import { int, ints, string } from "../../onnx/attributes.js";
import { float32Tensor } from "../../onnx/tensor.js";
import { checkProperty } from "../testing/finite-differences.js";

const small = fc.integer({ min: 1, max: 2 });

const weight = (dims: readonly number[]) => {
  const size = dims.reduce((n, d) => n * d, 1);
  return float32Tensor(
    dims,
    Array.from({ length: size }, (_, i) => Math.sin(1 + i * 1.7)),
  );
};

describe("gradients of convolutions", () => {
  it("Conv with groups, strides, dilations and padding", () =>
    checkProperty(
      fc.tuple(
        small,
        small,
        fc.integer({ min: 1, max: 3 }),
        fc.integer({ min: 1, max: 3 }),
        small,
        fc.nat({ max: 1 }),
        fc.nat({ max: 2 }),
      ),
      ([n, groups, kernel, stride, dilation, before, after]) => ({
        shapes: [[n, 2 * groups, 6, 5], [3 * groups]],
        batch: false,
        dtype: "float32",
        body: (g, [x = "", bias = ""]) =>
          g.add("Conv", [x, g.constant(weight([3 * groups, 2, kernel, 2])), bias], {
            group: int(groups),
            strides: ints([stride, 2]),
            dilations: ints([dilation, 1]),
            pads: ints([before, 0, after, 1]),
          }),
      }),
      20,
    ));

  it("Conv by its weight, in any geometry", () =>
    checkProperty(
      fc.tuple(
        small,
        fc.integer({ min: 1, max: 3 }),
        fc.integer({ min: 1, max: 3 }),
        small,
        fc.nat({ max: 1 }),
        fc.nat({ max: 2 }),
      ),
      ([n, kernel, stride, dilation, before, after]) => ({
        shapes: [
          [n, 2, 6, 5],
          [3, 2, kernel, 2],
        ],
        dtype: "float32",
        body: (g, x) =>
          g.add("Conv", x, {
            strides: ints([stride, 2]),
            dilations: ints([dilation, 1]),
            pads: ints([before, 0, after, 1]),
          }),
      }),
      20,
    ));

  it("Conv by its weight where it cuts the image into patches, with rows left over or padded", () =>
    checkProperty(
      fc.tuple(small, small, fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 3 }), fc.boolean()),
      ([n, channels, height, width, padded]) => ({
        shapes: [[n, channels, 2 * height, 2 * width + 1], [3, channels, height, width], [3]],
        dtype: "float32",
        body: (g, x) =>
          g.add("Conv", x, {
            strides: ints([height, width]),
            ...(padded ? { pads: ints([0, 0, 0, width - 1]) } : {}),
          }),
      }),
      16,
    ));

  for (const mode of ["SAME_UPPER", "SAME_LOWER", "VALID"]) {
    it(`Conv with auto_pad ${mode}`, () =>
      checkProperty(
        fc.tuple(fc.integer({ min: 1, max: 3 }), small),
        ([kernel, stride]) => ({
          shapes: [[2, 1, 5, 6]],
          dtype: "float32",
          body: (g, [x = ""]) =>
            g.add("Conv", [x, g.constant(weight([2, 1, kernel, kernel]))], {
              auto_pad: string(mode),
              strides: ints([stride, stride]),
            }),
        }),
        6,
      ));
  }

  it("Conv in one dimension", () =>
    checkProperty(
      small,
      (stride) => ({
        shapes: [[2, 2, 7]],
        dtype: "float32",
        body: (g, [x = ""]) => g.add("Conv", [x, g.constant(weight([3, 2, 3]))], { strides: ints([stride]) }),
      }),
      4,
    ));

  it("ConvTranspose", () =>
    checkProperty(
      fc.tuple(small, fc.integer({ min: 1, max: 3 }), fc.nat({ max: 1 }), fc.nat({ max: 1 })),
      ([groups, stride, pad, extra]) => ({
        shapes: [[2, 2 * groups, 3, 2]],
        dtype: "float32",
        body: (g, [x = ""]) =>
          g.add("ConvTranspose", [x, g.constant(weight([2 * groups, 2, 3, 2]))], {
            group: int(groups),
            strides: ints([stride, 2]),
            pads: ints([pad, 0, pad, 0]),
            output_padding: ints([stride > 1 ? extra : 0, extra]),
          }),
      }),
      16,
    ));
});
