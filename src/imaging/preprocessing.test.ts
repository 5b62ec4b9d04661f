import { describe, expect, it } from "vitest";
import { resizedTo, sizingInWords } from "./preprocessing.js";
import { readPreprocessing } from "./read-preprocessing.js";

describe("another image size", () => {
  const timm = (size: readonly [number, number], more: object) =>
    readPreprocessing({ pretrained_cfg: { input_size: [3, ...size], ...more } }, "x");

  it.each(["center", "squash", "border"])("is what timm makes of that input_size (%s)", (crop_mode) => {
    for (const crop_pct of [0.9, 0.875, 0.95, 1]) {
      for (const from of [
        [224, 224],
        [192, 256],
      ] as const) {
        for (const to of [
          [224, 224],
          [384, 384],
          [518, 518],
          [96, 160],
        ] as const) {
          const more = { crop_pct, crop_mode };
          expect(resizedTo(timm(from, more), to)).toEqual(timm(to, more));
        }
      }
    }
  });

  it("scales what the picture is resized to where no fraction is stated", () => {
    const deit = readPreprocessing({ image_processor_type: "DeiTImageProcessor" }, "x");
    expect(resizedTo(deit, [384, 336])).toMatchObject({
      resize: { mode: "exact", height: 439, width: 384, interpolation: "bicubic" },
      crop: { height: 384, width: 336 },
    });
    const dinov2 = { image_processor_type: "BitImageProcessor", size: { shortest_edge: 256 } };
    expect(resizedTo(readPreprocessing(dinov2, "x"), [518, 518])?.resize).toMatchObject({ size: 592 });
    const vit = readPreprocessing({ image_processor_type: "ViTImageProcessor" }, "x");
    expect(resizedTo(vit, [96, 128])).toMatchObject({ resize: { height: 96, width: 128 }, crop: null });
    const unresized = readPreprocessing(
      { image_processor_type: "CLIPImageProcessor", do_resize: false },
      "x",
    );
    expect(resizedTo(unresized, [96, 128])).toMatchObject({ resize: null, crop: { height: 96, width: 128 } });
  });

  it("is not to be had where the size depends on the picture", () => {
    const config = { image_processor_type: "CLIPImageProcessor", do_center_crop: false };
    expect(resizedTo(readPreprocessing(config, "x"), [96, 128])).toBeUndefined();
  });

  it("is said in words", () => {
    expect(sizingInWords(timm([224, 224], { crop_pct: 0.9 }))).toBe(
      "shorter side to 248 (bicubic), centre 224×224",
    );
    expect(sizingInWords(timm([48, 64], { crop_pct: 1, crop_mode: "border" }))).toBe(
      "scaled to fit 48×64 (bicubic), centre 48×64",
    );
  });
});
