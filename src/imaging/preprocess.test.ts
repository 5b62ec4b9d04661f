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

  it("are refused by a model of images that are no pictures", () => {
    const p: Preprocessing = { ...defaultPreprocessing([8, 8]), channels: 5 };
    expect(() => preprocess(picture(8, 8), p)).toThrow(/5 channels; pictures have 1 or 3/);
  });

  it("keep a picture that needs no resizing as it is, without sharing its memory", () => {
    const image = picture(8, 8);
    const shown = displayImage(image, { ...torchvisionPreprocessing(8, 8) });
    expect([...shown.data]).toEqual([...image.data]);
    expect(shown.data.buffer).not.toBe(image.data.buffer);
  });
});
