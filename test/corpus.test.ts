import { describe, expect, it } from "vitest";
import { corpus, golden } from "./corpus.js";

describe("the corpus", () => {
  it("covers the families with what the repository itself carries", () => {
    const own = corpus().filter((m) => m.folder.includes("fixtures"));
    expect(own.length).toBeGreaterThanOrEqual(8);
    expect(new Set(own.map((m) => m.family))).toEqual(new Set(["vit", "swin"]));
    expect(new Set(own.map((m) => m.head))).toEqual(new Set(["token", "mean"]));
  });

  it.each(corpus().map((m) => [m.folder, m] as const))(
    "%s holds the results it describes",
    (_folder, model) => {
      const [height, width] = model.image;
      expect(golden(model, "input").dims).toEqual([2, 3, height, width]);
      expect(golden(model, "gradcam.top").dims).toEqual([2, ...model.grid]);
      for (let layer = 0; layer < model.blocks; layer++) {
        expect(golden(model, `attention_grad.${layer}`).dims).toEqual(
          golden(model, `attention.${layer}`).dims,
        );
      }
      expect(golden(model, "deletion.curve").data.length).toBe(
        2 * (Math.ceil((height * width) / model.step) + 1),
      );
      expect(model.exports.length).toBeGreaterThan(0);
    },
  );
});
