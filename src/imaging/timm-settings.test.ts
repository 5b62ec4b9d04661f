import { describe, expect, it } from "vitest";
import { HALF, type Preprocessing, torchvisionPreprocessing } from "./preprocessing.js";
import { timmPreprocessing } from "./timm.js";
import { timmExpressible } from "./timm-settings.js";

describe("a preparation in timm's words", () => {
  it.each([
    [{ crop_pct: 0.9, input_size: [3, 224, 224] }],
    [{ crop_pct: 1, crop_mode: "squash", interpolation: "bilinear", input_size: [3, 96, 64] }],
    [{ crop_pct: 0.95, crop_mode: "border", input_size: [1, 64, 96], mean: [0.4], std: [0.2] }],
    [{ crop_pct: 0.875, input_size: [3, 96, 64] }],
  ])("is what it was read from: %j", (cfg) => {
    const p = timmPreprocessing(cfg, "config.json, pretrained_cfg");
    const { preprocessing, notes } = timmExpressible(p);
    expect(preprocessing).toEqual(p);
    expect(notes).toEqual([]);
  });

  it("resizes to exactly the side that is asked for, whatever timm's rounding", () => {
    for (let side = 225; side < 400; side++) {
      const { preprocessing, notes } = timmExpressible(torchvisionPreprocessing(side, 224));
      expect(preprocessing.resize).toEqual({ mode: "shortest-edge", size: side, interpolation: "bilinear" });
      expect(notes).toEqual([]);
    }
  });

  it("says what differs from transformers' pixels", () => {
    const stretched: Preprocessing = {
      channels: 3,
      resize: { mode: "exact", height: 224, width: 192, interpolation: "bilinear" },
      crop: null,
      resizeOn: "torch-pixels",
      rescale: 1 / 255,
      mean: HALF,
      std: HALF,
      source: "a test",
      warnings: [],
    };
    const { preprocessing, notes } = timmExpressible(stretched);
    expect(preprocessing.resize).toEqual(stretched.resize);
    expect(notes).toHaveLength(1);
    expect(notes.join()).toMatch(/arithmetic of timm/);
    expect(timmExpressible(preprocessing).notes).toEqual([]);
  });

  it("is refused where pictures come out in different sizes", () => {
    const open = { ...torchvisionPreprocessing(256, 224), crop: null };
    expect(() => timmExpressible(open)).toThrow(/pictures of one size/);
  });
});
