import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { openModel } from "./node/open.js";

const FIXED = fileURLToPath(new URL("../../test/fixtures/models/vit/legacy-17.onnx", import.meta.url));

describe("the image size that is asked for", () => {
  it("must be the one that a graph has", async () => {
    await expect(openModel(FIXED, { imageSize: [48, 48] })).rejects.toThrow(
      /legacy-17\.onnx: the graph takes images of 32×32 and no others, not 48×48/,
    );
    const model = await openModel(FIXED, { imageSize: [32, 32], threads: 1 });
    expect(model.anatomy.image).toEqual([32, 32]);
    await model.close();
  });
});
