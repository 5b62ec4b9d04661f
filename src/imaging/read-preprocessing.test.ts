import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { INTERPOLATIONS } from "./filters.js";
import { defaultPreprocessing, type Preprocessing } from "./preprocessing.js";
import { PROCESSORS } from "./processors.js";
import { readPreprocessing, saysPreprocessing } from "./read-preprocessing.js";

const PLAIN = { noNullPrototype: true } as const;
const side = fc.integer({ min: 1, max: 999 });
const interpolation = fc.constantFrom(...INTERPOLATIONS);
const positive = fc.double({ min: 1e-6, max: 10, noNaN: true });
const byte = fc.integer({ min: 0, max: 255 });

const anyPreprocessing: fc.Arbitrary<Preprocessing> = fc.constantFrom(1, 3, 5).chain((channels) =>
  fc.record(
    {
      channels: fc.constant(channels),
      resize: fc.oneof(
        fc.constant(null),
        fc.record(
          {
            mode: fc.constantFrom("exact" as const, "cover" as const, "contain" as const),
            height: side,
            width: side,
            interpolation,
          },
          PLAIN,
        ),
        fc.record({ mode: fc.constant("shortest-edge" as const), size: side, interpolation }, PLAIN),
      ),
      crop: fc.option(
        fc.record(
          {
            height: side,
            width: side,
            rounding: fc.constantFrom("half-even" as const, "to-zero" as const, "down" as const),
            fill: fc.tuple(byte, byte, byte),
            fraction: positive,
          },
          { requiredKeys: ["height", "width", "rounding", "fill"], ...PLAIN },
        ),
      ),
      resizeOn: fc.constantFrom("pixels" as const, "torch-pixels" as const, "rescaled" as const),
      rescale: positive,
      mean: fc.array(
        fc.double({ noNaN: true, noDefaultInfinity: true }).map((v) => v + 0),
        {
          minLength: channels,
          maxLength: channels,
        },
      ),
      std: fc.array(positive, { minLength: channels, maxLength: channels }),
      source: fc.string(),
      warnings: fc.array(fc.string(), { maxLength: 2 }),
    },
    PLAIN,
  ),
);

describe("reading preprocessing", () => {
  it("tells a model's config that says nothing from one that does", () => {
    expect(saysPreprocessing({ model_type: "vit", image_size: 224 })).toBe(false);
    expect(saysPreprocessing({ architecture: "vit_tiny", pretrained_cfg: {} })).toBe(true);
    expect(saysPreprocessing({ image_processor_type: "ViTImageProcessor" })).toBe(true);
    expect(saysPreprocessing(null)).toBe(false);
  });

  it("reads back its own record unchanged, as models carry it", () => {
    fc.assert(
      fc.property(anyPreprocessing, (p) => {
        expect(readPreprocessing(JSON.parse(JSON.stringify(p)), "x")).toStrictEqual(p);
      }),
    );
    for (const p of [defaultPreprocessing([224, 224]), defaultPreprocessing([64, 80], 1)]) {
      expect(readPreprocessing(JSON.parse(JSON.stringify(p)), "x")).toStrictEqual(p);
    }
  });

  it("reads back what it made of any library's file", () => {
    const files = [
      ...Object.keys(PROCESSORS).flatMap((name) => [
        { image_processor_type: `${name}ImageProcessor` },
        { image_processor_type: `${name}ImageProcessorPil`, resample: 1 },
        { feature_extractor_type: `${name}FeatureExtractor`, do_resize: false, do_normalize: false },
      ]),
      ...["center", "squash", "border"].map((crop_mode) => ({
        pretrained_cfg: { crop_mode, crop_pct: 0.95 },
      })),
      { pretrained_cfg: { input_size: [1, 48, 80], mean: [0.4], std: [0.3] } },
      { pretrained_cfg: { input_size: [5, 48, 80], mean: [1, 2, 3, 4, 5], std: [0.3] } },
    ];
    for (const file of files) {
      const p = readPreprocessing(file, "x");
      expect(readPreprocessing(JSON.parse(JSON.stringify(p)), "y")).toStrictEqual(p);
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
    expect(clip.crop).toMatchObject({ height: 224, width: 224, rounding: "to-zero" });
  });

  it("follows transformers over torchvision, and over Pillow where a class says so or torch lacks the filter", () => {
    const by = (config: object) => readPreprocessing(config, "x").resizeOn;
    expect(by({ image_processor_type: "ViTImageProcessor" })).toBe("torch-pixels");
    expect(by({ image_processor_type: "ViTImageProcessorFast" })).toBe("torch-pixels");
    expect(by({ image_processor_type: "ViTImageProcessorPil" })).toBe("pixels");
    expect(by({ image_processor_type: "ViTImageProcessor", resample: 4 })).toBe("pixels");
    expect(by({ image_processor_type: "DINOv3ViTImageProcessorFast" })).toBe("rescaled");
    expect(by({ image_processor_type: "DINOv3ViTImageProcessor", do_rescale: false })).toBe("torch-pixels");
  });

  it("takes the class of the model's type where the file names none", () => {
    const config = { do_normalize: true, size: 224 };
    expect(readPreprocessing(config, "x", "swin").resize).toMatchObject({ mode: "exact", height: 224 });
    expect(readPreprocessing(config, "x", "dinov2").resize).toMatchObject({ mode: "shortest-edge" });
    expect(readPreprocessing(config, "x", "dinov2").warnings).toEqual([]);
    expect(() => readPreprocessing(config, "x", "toString")).toThrow(/not known/);
    const named = { ...config, image_processor_type: "DeiTImageProcessor" };
    expect(readPreprocessing(named, "x", "dinov2").crop).toMatchObject({ height: 224 });
  });

  it("reads the image processor inside of a processor_config.json", () => {
    const inner = { image_processor_type: "BitImageProcessor", size: { shortest_edge: 64 }, crop_size: 56 };
    const config = { processor_class: "CLIPProcessor", image_processor: inner, tokenizer: {} };
    expect(saysPreprocessing(config)).toBe(true);
    expect(readPreprocessing(config, "x")).toEqual(readPreprocessing(inner, "x"));
    expect(saysPreprocessing({ processor_class: "CLIPProcessor" })).toBe(false);
  });

  it.each(["do_pad", "rescale_offset", "offset", "do_flip_channel_order", "size_divisor", "include_top"])(
    'refuses "%s", which it does not do, by name',
    (key) => {
      const config = { image_processor_type: "ViTImageProcessor", [key]: true };
      expect(() => readPreprocessing(config, "p.json")).toThrow(`p.json: "${key}" is not supported.`);
      expect(readPreprocessing({ ...config, [key]: null }, "p.json").warnings).toEqual([]);
    },
  );

  it("squashes to 384 pixels and above as ConvNext's processor, and crops below", () => {
    const convnext = (edge: number) =>
      readPreprocessing({ image_processor_type: "ConvNextImageProcessor", size: edge, crop_pct: 0.9 }, "x");
    expect(convnext(384)).toMatchObject({ resize: { mode: "exact", height: 384 }, crop: null });
    expect(convnext(383)).toMatchObject({ resize: { size: 425 }, crop: { height: 383, fraction: 0.9 } });
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
    [{ pretrained_cfg: { input_size: [5, 224, 224] } }, /"mean" has 3 numbers for 5 channels/],
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
