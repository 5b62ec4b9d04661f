import { describe, expect, it } from "vitest";
import type { RgbImage } from "../../imaging/image.js";
import { preprocess } from "../../imaging/preprocess.js";
import { torchvisionPreprocessing } from "../../imaging/preprocessing.js";
import { VitreousError } from "../../onnx/errors.js";
import { uniform } from "../../random.js";
import { cropLengths } from "./multi-crop.js";
import { multiCropOptions } from "./multi-crop-options.js";
import { prepareImage } from "./prepare.js";

const p = torchvisionPreprocessing(16, [16, 16]);
const GLOBAL = 3 * 16 * 16;
const LOCAL = 3 * 8 * 8;

function noise(width: number, height: number): RgbImage {
  const next = uniform(3);
  return {
    data: Uint8Array.from({ length: width * height * 3 }, () => 256 * next()),
    width,
    height,
  };
}
const plain = (shade: number): RgbImage => ({
  data: new Uint8Array(20 * 20 * 3).fill(shade),
  width: 20,
  height: 20,
});
const image = noise(30, 24);

/** Nothing but crops. */
const STILL = {
  horizontalFlip: 0,
  jitter: { probability: 0 },
  greyscale: 0,
  blur: { globals: [0, 0], locals: 0 },
  solarize: 0,
  localSize: [8, 8],
};

const crops = (
  from: RgbImage,
  options: Readonly<Record<string, unknown>>,
  place = 0,
  seed = 1,
): readonly Float32Array[] => {
  const settled = multiCropOptions({ localSize: [8, 8], ...options });
  const random = { options: settled, seed, epoch: 2, place };
  const all = prepareImage(from, { preprocessing: p, crops: random });
  let at = 0;
  return cropLengths([3, 16, 16], settled).map((length) => {
    at += length;
    return all.subarray(at - length, at);
  });
};

describe("several crops of one picture", () => {
  it("are two large ones and as many small ones as asked for, as published by default", () => {
    expect(crops(image, {}).map((c) => c.length)).toEqual([GLOBAL, GLOBAL, ...Array(8).fill(LOCAL)]);
    expect(crops(image, { locals: 0 })).toHaveLength(2);
    expect(multiCropOptions()).toMatchObject({
      globalScale: [0.4, 1],
      localScale: [0.05, 0.4],
      locals: 8,
      localSize: [96, 96],
      jitter: { probability: 0.8, brightness: 0.4, contrast: 0.4, saturation: 0.2, hue: 0.1 },
      greyscale: 0.2,
      blur: { globals: [1, 0.1], locals: 0.5, sigma: [0.1, 2] },
      solarize: 0.2,
    });
  });

  it("follow from seed and place, and each is another", () => {
    const first = crops(image, {}, 5);
    expect(crops(image, {}, 5)).toEqual(first);
    expect(crops(image, {}, 6)).not.toEqual(first);
    expect(crops(image, {}, 5, 2)).not.toEqual(first);
    expect(first[0]).not.toEqual(first[1]);
    expect(first[2]).not.toEqual(first[3]);
  });

  it("stay as they are when more small ones are asked for", () => {
    expect(crops(image, { locals: 5 }).slice(0, 4)).toEqual(crops(image, { locals: 2 }));
  });

  it("are the picture itself, resized, where nothing else is asked for", () => {
    const whole = { ...STILL, globalScale: [1, 1], localScale: [1, 1], ratio: [1, 1] };
    const square = noise(40, 40);
    const [first, second, third] = crops(square, whole);
    const expected = preprocess(square, p).data;
    expect(first).toEqual(expected);
    expect(second).toEqual(expected);
    expect(third).toEqual(preprocess(square, torchvisionPreprocessing(8, [8, 8])).data);
  });

  it("take the share of the picture that they should", () => {
    // A step from black to white at the middle: a crop of 5 % of the area rarely shows both.
    const step: RgbImage = { data: new Uint8Array(60 * 60 * 3), width: 60, height: 60 };
    for (let i = 0; i < step.data.length; i++) step.data[i] = (i / 3) % 60 < 30 ? 0 : 255;
    const both = (c: Float32Array | undefined): boolean => {
      const red = (c ?? new Float32Array()).subarray(0, (c?.length ?? 0) / 3);
      return Math.min(...red) !== Math.max(...red);
    };
    let [large, small] = [0, 0];
    for (let place = 0; place < 60; place++) {
      const [first, , third] = crops(step, { ...STILL, localScale: [0.05, 0.1], locals: 1 }, place);
      large += both(first) ? 1 : 0;
      small += both(third) ? 1 : 0;
    }
    expect(large).toBe(60);
    expect(small).toBeGreaterThan(10);
    expect(small).toBeLessThan(50);
  });

  it("lose their colour together or not at all", () => {
    const grey = (c: Float32Array | undefined): boolean => {
      if (c === undefined) return false;
      const area = c.length / 3;
      const value = (i: number, k: number) =>
        ((c[k * area + i] ?? 0) * (p.std[k] ?? 1) + (p.mean[k] ?? 0)) * 255;
      return Array.from({ length: area }, (_, i) => i).every(
        (i) => Math.abs(value(i, 0) - value(i, 1)) < 0.01 && Math.abs(value(i, 0) - value(i, 2)) < 0.01,
      );
    };
    expect(crops(image, { ...STILL, greyscale: 1 }).every(grey)).toBe(true);
    expect(crops(image, STILL).some(grey)).toBe(false);
  });

  it("have inverted highlights in the second large one alone", () => {
    const levels = (shade: number) =>
      crops(plain(shade), { ...STILL, solarize: 1, locals: 1 }).map((c) =>
        Math.round(((c[0] ?? 0) * (p.std[0] ?? 1) + (p.mean[0] ?? 0)) * 255),
      );
    expect(levels(200)).toEqual([200, 55, 200]);
    expect(levels(127)).toEqual([127, 127, 127]);
  });

  it("are blurred as often as each kind should be", () => {
    const blur = { globals: [1, 0], locals: 0, sigma: [2, 2] };
    const still = { ...STILL, globalScale: [1, 1], ratio: [1, 1] };
    const [first, second, third] = crops(noise(16, 16), { ...still, blur });
    const [sharp, , small] = crops(noise(16, 16), still);
    expect(second).toEqual(sharp);
    expect(third).toEqual(small);
    const spread = (c: Float32Array | undefined) => Math.max(...(c ?? [])) - Math.min(...(c ?? []));
    expect(spread(first)).toBeLessThan(0.7 * spread(sharp));
  });

  it("say which option is wrong", () => {
    expect(() => multiCropOptions({ locals: 1.5 })).toThrow(VitreousError);
    expect(() => multiCropOptions({ globalScale: [1, 0.4] })).toThrow(/globalScale .*from at most to/);
    expect(() => multiCropOptions({ shear: 1 })).toThrow(/none called shear/);
  });
});
