import { describe, expect, it } from "vitest";
import { float, string } from "../../onnx/attributes.js";
import { float32Tensor } from "../../onnx/tensor.js";
import { checkGradient, gradientError } from "../testing/finite-differences.js";

const COORDINATES = ["half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric"];

describe("the gradient of Resize", () => {
  for (const mode of ["nearest", "linear", "cubic"]) {
    for (const coordinates of COORDINATES) {
      it(`${mode}, ${coordinates}, to given sizes and by scales`, async () => {
        const attributes = {
          mode: string(mode),
          coordinate_transformation_mode: string(coordinates),
          cubic_coeff_a: float(-0.75),
        };
        const shape = [1, 1, 3, 4];
        await checkGradient({
          shapes: [shape],
          dtype: "float32",
          body: (g, [x = ""]) => g.add("Resize", [x, "", "", g.ints([1, 1, 5, 2])], attributes),
        });
        await checkGradient({
          shapes: [shape],
          dtype: "float32",
          body: (g, [x = ""]) =>
            g.add("Resize", [x, "", g.constant(float32Tensor([4], [1, 1, 1.7, 0.6]))], attributes),
        });
      });
    }
  }

  it("with antialiasing, for a batch", () =>
    checkGradient({
      shapes: [[2, 2, 6, 5]],
      dtype: "float32",
      batch: true,
      body: (g, [x = ""]) =>
        g.add("Resize", [x, "", g.constant(float32Tensor([4], [1, 1, 0.5, 0.6]))], {
          mode: string("linear"),
          antialias: { kind: "int", value: 1 },
        }),
    }));

  it("is refused for tf_crop_and_resize", async () => {
    const error = gradientError({
      shapes: [[1, 1, 3, 4]],
      dtype: "float32",
      body: (g, [x = ""]) =>
        g.add(
          "Resize",
          [x, g.constant(float32Tensor([8], [0, 0, 0, 0, 1, 1, 1, 1])), "", g.ints([1, 1, 2, 2])],
          {
            mode: string("linear"),
            coordinate_transformation_mode: string("tf_crop_and_resize"),
          },
        ),
    });
    await expect(error).rejects.toThrow(/Resize.*tf_crop_and_resize/);
  });
});
