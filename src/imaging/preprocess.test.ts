import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  displayImage,
  preprocess,
  resizedSize,
  toUint8NCHW,
  toUint8NHWC,
  unpreprocess,
  viewBox,
} from "./preprocess.js";
import {
  defaultPreprocessing,
  outputSize,
  type Preprocessing,
  torchvisionPreprocessing,
} from "./preprocessing.js";
import { readPreprocessing, saysPreprocessing } from "./read-preprocessing.js";
import { roundHalfEven } from "./round.js";

const picture = (width: number, height: number) => ({
  data: Uint8Array.from({ length: width * height * 3 }, (_, i) => (i * 61) % 256),
  width,
  height,
});

describe("sizes", () => {
  it("truncate the longer side, as torchvision", () => {
    const resize = { mode: "shortest-edge", size: 256, interpolation: "bicubic" } as const;
    expect(resizedSize(resize, 363, 360)).toEqual([258, 256]);
    expect(resizedSize(resize, 360, 363)).toEqual([256, 258]);
    expect(resizedSize(resize, 100, 100)).toEqual([256, 256]);
  });

  it("round halves to even, as Python", () => {
    expect([0.5, 1.5, 2.5, -1.5, -2.5, 2.4, 2.6].map(roundHalfEven)).toEqual([0, 2, 2, -2, -2, 2, 3]);
  });

  it("give the model's size whatever the picture", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 90 }), fc.integer({ min: 1, max: 90 }), (width, height) => {
        const p = defaultPreprocessing([24, 32]);
        const made = preprocess(picture(width, height), p);
        expect([made.height, made.width, made.data.length]).toEqual([24, 32, 3 * 24 * 32]);
        expect(made.data.every(Number.isFinite)).toBe(true);
        expect(outputSize(p)).toEqual([24, 32]);
      }),
      { numRuns: 40 },
    );
  });

  it("survive a strip of 1×100,000 pixels, computing only what the model sees", () => {
    const strip = { data: new Uint8Array(300_000).fill(9), width: 100_000, height: 1 };
    expect(displayImage(strip, torchvisionPreprocessing(256, 224)).data.length).toBe(224 * 224 * 3);
  });

  it("refuse to blow up a strip that is not cropped", () => {
    const p: Preprocessing = { ...torchvisionPreprocessing(256, 224), crop: null };
    const strip = { data: new Uint8Array(30_000_000), width: 10_000_000, height: 1 };
    expect(() => displayImage(strip, p)).toThrow(/crop the image first/);
  });
});

describe("where the model looked", () => {
  it("is the crop, in pixels of the original", () => {
    const box = viewBox(torchvisionPreprocessing(256, 224), 512, 512);
    expect(box).toEqual({ x0: 32, y0: 32, x1: 480, y1: 480 });
  });

  it("is everything when nothing is cropped", () => {
    const p: Preprocessing = {
      ...torchvisionPreprocessing(1, 1),
      resize: { mode: "exact", height: 64, width: 64, interpolation: "bilinear" },
      crop: null,
    };
    expect(viewBox(p, 300, 500)).toEqual({ x0: 0, y0: 0, x1: 500, y1: 300 });
  });

  it("reaches beyond the picture where the crop is padded", () => {
    const p: Preprocessing = { ...torchvisionPreprocessing(1, 8), resize: null };
    expect(viewBox(p, 4, 4)).toEqual({ x0: -2, y0: -2, x1: 6, y1: 6 });
    const shown = displayImage(picture(4, 4), p);
    expect([...shown.data.subarray(0, 6)]).toEqual([0, 0, 0, 0, 0, 0]);
    expect([...shown.data.subarray((2 * 8 + 2) * 3, (2 * 8 + 2) * 3 + 3)]).toEqual([0, 61, 122]);
  });
});

describe("layouts", () => {
  it("are channels last or channels first in 8 bits", () => {
    const image = picture(2, 2);
    expect([...toUint8NHWC(image, 3)]).toEqual([...image.data]);
    expect([...toUint8NCHW(image, 3)].slice(0, 4)).toEqual([0, 183, 110, 37]);
    expect(toUint8NHWC(image, 1).length).toBe(4);
  });

  it("come back from the tensor to the picture", () => {
    const p = defaultPreprocessing([16, 16]);
    const made = preprocess(picture(16, 16), p);
    expect([...unpreprocess(made, p).data]).toEqual([...made.display.data]);
    const grey = defaultPreprocessing([16, 16], 1);
    const one = preprocess(picture(20, 16), grey);
    expect(one.channels).toBe(1);
    expect([...unpreprocess(one, grey).data]).toEqual([...one.display.data]);
    expect(() => unpreprocess({ ...made, width: 3 }, p)).toThrow(/no image/);
  });

  it("keep a picture that needs no resizing as it is, without sharing its memory", () => {
    const image = picture(8, 8);
    const shown = displayImage(image, { ...torchvisionPreprocessing(8, 8) });
    expect([...shown.data]).toEqual([...image.data]);
    expect(shown.data.buffer).not.toBe(image.data.buffer);
  });
});

describe("reading preprocessing", () => {
  it("tells a model's config that says nothing from one that does", () => {
    expect(saysPreprocessing({ model_type: "vit", image_size: 224 })).toBe(false);
    expect(saysPreprocessing({ architecture: "vit_tiny", pretrained_cfg: {} })).toBe(true);
    expect(saysPreprocessing({ image_processor_type: "ViTImageProcessor" })).toBe(true);
    expect(saysPreprocessing(null)).toBe(false);
  });

  it("reads back its own record unchanged", () => {
    for (const p of [
      defaultPreprocessing([224, 224]),
      torchvisionPreprocessing(232, [224, 200], "bilinear"),
    ]) {
      expect(readPreprocessing(JSON.parse(JSON.stringify(p)), "x")).toEqual(p);
    }
  });

  it("resizes by 248 and crops 224 for timm's ViT at crop_pct 0.9", () => {
    const config = { pretrained_cfg: { input_size: [3, 224, 224], crop_pct: 0.9, interpolation: "bicubic" } };
    const p = readPreprocessing(config, "config.json");
    expect(p.resize).toEqual({ mode: "shortest-edge", size: 248, interpolation: "bicubic" });
    expect(p.crop).toMatchObject({ height: 224, width: 224, rounding: "half-even" });
  });

  it("reads legacy feature extractors: an integer size is both sides for ViT and the shorter one for CLIP", () => {
    const settings = { size: 224, resample: 2, image_mean: [0.5, 0.5, 0.5], image_std: 0.5 };
    const vit = readPreprocessing({ ...settings, feature_extractor_type: "ViTFeatureExtractor" }, "x");
    expect(vit.resize).toEqual({ mode: "exact", height: 224, width: 224, interpolation: "bilinear" });
    expect(vit.crop).toBeNull();
    const clip = readPreprocessing({ ...settings, feature_extractor_type: "CLIPFeatureExtractor" }, "x");
    expect(clip.resize).toMatchObject({ mode: "shortest-edge", size: 224 });
    expect(clip.crop).toMatchObject({ height: 224, width: 224, rounding: "down" });
  });

  it("takes a processor that it does not know, with all settings given, and warns", () => {
    const config = {
      image_processor_type: "NewImageProcessor",
      size: 64,
      image_mean: [0, 0, 0],
      image_std: [1, 1, 1],
    };
    expect(readPreprocessing(config, "p.json").warnings[0]).toMatch(/NewImageProcessor is not known/);
    expect(() =>
      readPreprocessing({ image_processor_type: "NewImageProcessor", size: 64 }, "p.json"),
    ).toThrow(/image_mean/);
    expect(() => readPreprocessing({ do_resize: true, image_mean: 0, image_std: 1 }, "p.json")).toThrow(
      /"size"/,
    );
  });

  it.each([
    [{ image_processor_type: "ViTImageProcessor", image_std: [0.5, 0, 0.5] }, /"image_std"/],
    [
      { image_processor_type: "ViTImageProcessor", size: { shortest_edge: 64, longest_edge: 80 } },
      /"size": Unrecognized key: "longest_edge"/,
    ],
    [{ image_processor_type: "ViTImageProcessor", resample: 9 }, /"resample"/],
    [
      { image_processor_type: "ViTImageProcessor", image_mean: [0.5, 0.5] },
      /"image_mean" has 2 numbers for 3/,
    ],
    [{ pretrained_cfg: { interpolation: "random" } }, /"interpolation"/],
    [{ pretrained_cfg: { input_size: [5, 224, 224] } }, /5 channels/],
    [{ resize: { mode: "stretch" }, mean: 0, std: 1 }, /"resize\.mode"/],
    [{ resize: null, mean: 0, std: 1, means: 3 }, /means/],
    [{ hello: 1 }, /does not say how images are prepared/],
    ["text", /does not say how images are prepared/],
  ])("names the key that is wrong in %j", (config, message) => {
    expect(() => readPreprocessing(config, "p.json")).toThrow(message);
    expect(() => readPreprocessing(config, "p.json")).toThrow(/^p\.json/);
  });

  it("warns of ImageNet's default", () => {
    expect(defaultPreprocessing([224, 224]).warnings[0]).toMatch(/--preprocess FILE/);
    expect(defaultPreprocessing([224, 224]).resize).toMatchObject({ size: 256 });
  });
});
