import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { openModel } from "./node/open.js";

const fixture = (name: string): string =>
  fileURLToPath(new URL(`../../test/fixtures/models/${name}`, import.meta.url));

describe("verifying an anatomy on the model's own behaviour", () => {
  it.each([
    "vit/legacy-17.onnx",
    "swin_pad/dynamo-20-fixed.onnx",
    "vit_mean/dynamo-20-softmax.onnx",
    "vit_nhwc/legacy-17-nhwc.onnx",
  ])("finds nothing wrong with %s", async (name) => {
    const model = await openModel(fixture(name));
    try {
      expect(await model.verify()).toEqual([]);
    } finally {
      await model.close();
    }
  });
});
