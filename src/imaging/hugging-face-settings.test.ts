import { describe, expect, it } from "vitest";
import { huggingFacePreprocessing } from "./hugging-face.js";
import { expressible } from "./hugging-face-settings.js";
import { BLACK, HALF, type Preprocessing, torchvisionPreprocessing } from "./preprocessing.js";
import { timmPreprocessing } from "./timm.js";

const EXACT: Preprocessing = {
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

const EDGE: Preprocessing = {
  ...EXACT,
  resize: { mode: "shortest-edge", size: 256, interpolation: "bicubic" },
  crop: { height: 224, width: 224, rounding: "to-zero", fill: BLACK },
};

const sameAs = (p: Preprocessing) => ({ ...p, source: "preprocessor_config.json" });

describe("a preparation in transformers' words", () => {
  it.each([
    ["ViTImageProcessor", EXACT],
    ["BitImageProcessor", EDGE],
    ["DeiTImageProcessor", { ...EDGE, resize: EXACT.resize, crop: EDGE.crop }],
    ["BitImageProcessor", { ...EDGE, resize: null }],
    ["DINOv3ViTImageProcessor", { ...EXACT, resizeOn: "rescaled" as const }],
    ["ViTImageProcessor", { ...EXACT, rescale: 1, mean: [0, 0, 0], std: [1, 1, 1] }],
  ])("is %s's where that does exactly this", (name, p: Preprocessing) => {
    const { settings, preprocessing, notes } = expressible(p);
    expect(settings.image_processor_type).toBe(name);
    expect(preprocessing).toEqual(sameAs(p));
    expect(notes).toEqual([]);
  });

  it("is read back from a file as it was written", () => {
    const { settings, preprocessing } = expressible(EDGE);
    const file = JSON.parse(JSON.stringify(settings));
    expect(huggingFacePreprocessing(file, "preprocessor_config.json")).toEqual(preprocessing);
  });

  it("keeps timm's and torchvision's sizes, and says that transformers resizes otherwise", () => {
    for (const p of [
      torchvisionPreprocessing(256, 224),
      timmPreprocessing({ crop_pct: 0.9 }, "config.json"),
    ]) {
      const { preprocessing, notes } = expressible(p);
      expect(preprocessing.resize).toEqual(p.resize);
      expect(preprocessing.crop).toMatchObject({ height: 224, width: 224 });
      expect(notes.join()).toMatch(/arithmetic of transformers/);
      expect(expressible(preprocessing).notes).toEqual([]);
    }
  });

  it("stretches where transformers has no processor, and says so", () => {
    const border = timmPreprocessing({ crop_mode: "border", input_size: [3, 64, 96] }, "config.json");
    const { preprocessing, notes } = expressible(border);
    expect(preprocessing.resize).toMatchObject({ mode: "exact", height: 64, width: 96 });
    expect(preprocessing.crop).toBeNull();
    expect(notes.join()).toMatch(/stretched to 64×96 \(bicubic\) \(before: scaled to fit/);
  });

  it("is refused for grey pictures", () => {
    expect(() => expressible({ ...EXACT, channels: 1, mean: [0.5], std: [0.5] })).toThrow(/1 channel:/);
  });
});
