import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { RgbImage } from "../../imaging/image.js";
import { displayImage } from "../../imaging/preprocess.js";
import { torchvisionPreprocessing } from "../../imaging/preprocessing.js";
import { randomCrop } from "./crop.js";
import { drawsFor } from "./draws.js";
import { randomErasing } from "./erase.js";
import { colourJitter, hue } from "./jitter.js";
import { mixBatch } from "./mix.js";
import { augmentationOptions, NO_AUGMENTATION, POLICY_OPERATIONS } from "./options.js";
import { orient } from "./orientation.js";
import { policyOperation, randAugment } from "./policy.js";
import { augmentImage, prepareImage } from "./prepare.js";
import { balancedClassWeights, oneHot, sampleWeights, smoothLabels } from "./targets.js";

const noise = (width: number, height: number, seed = 1): RgbImage => {
  const next = drawsFor("image", seed, 0);
  return { data: Uint8Array.from({ length: width * height * 3 }, () => next() * 256), width, height };
};
const seeded = (seed: number) => drawsFor("image", seed, 1);

describe("a random crop", () => {
  it("lies in the picture, with area and shape in their ranges", () => {
    const options = { scale: [0.3, 0.9], ratio: [0.75, 4 / 3] } as const;
    fc.assert(
      fc.property(
        fc.integer({ min: 40, max: 400 }),
        fc.integer({ min: 40, max: 400 }),
        fc.nat(),
        (width, height, seed) => {
          const { left, top, width: w, height: h } = randomCrop({ width, height }, options, seeded(seed));
          expect(left >= 0 && top >= 0 && left + w <= width && top + h <= height).toBe(true);
          expect(w / h).toBeGreaterThan(0.75 * 0.94);
          expect(w / h).toBeLessThan((4 / 3) * 1.06);
          // A long picture may hold no crop of that area: then it is the largest of the shape at the centre.
          if (Math.max(width / height, height / width) < 1.1) {
            expect((w * h) / (width * height)).toBeGreaterThan(0.3 * 0.94);
          }
        },
      ),
    );
  });

  it("of a strip is the largest central one of an allowed shape", () => {
    const options = { scale: [1, 1], ratio: [0.8, 1.25] } as const;
    expect(randomCrop({ width: 1000, height: 10 }, options, seeded(1))).toEqual({
      left: 494,
      top: 0,
      width: 12,
      height: 10,
    });
    expect(randomCrop({ width: 1, height: 90 }, options, seeded(1))).toEqual({
      left: 0,
      top: 44,
      width: 1,
      height: 1,
    });
  });

  it("has its place anywhere", () => {
    const options = { scale: [0.25, 0.25], ratio: [1, 1] } as const;
    const lefts = Array.from(
      { length: 300 },
      (_, i) => randomCrop({ width: 20, height: 20 }, options, seeded(i)).left,
    );
    expect(new Set(lefts).size).toBe(11);
  });
});

describe("an image for training", () => {
  const p = torchvisionPreprocessing(24, [20, 16]);
  const image = noise(41, 33);

  it("without augmentation is what evaluation sees", () => {
    expect(augmentImage(image, p, NO_AUGMENTATION, seeded(1))).toEqual(displayImage(image, p));
  });

  it("has the model's size and finite numbers under every option, turned or not", () => {
    const options = augmentationOptions({
      rightAngles: true,
      randAugment: { operations: 3, magnitude: 30 },
      jitter: { brightness: 1, contrast: 1, saturation: 1, hue: 0.5 },
      blur: { probability: 1, sigma: [0.05, 5] },
      erasing: { probability: 1 },
    });
    for (let place = 0; place < 60; place++) {
      const augment = { options: place % 2 ? options : { ...options, crop: null }, seed: 1, epoch: 0, place };
      const pixels = prepareImage(image, { preprocessing: p, augment });
      expect(pixels).toHaveLength(3 * 20 * 16);
      expect(pixels.every(Number.isFinite)).toBe(true);
    }
  });

  it("of one pixel is no trouble", () => {
    const augment = {
      options: augmentationOptions({ blur: { probability: 1 } }),
      seed: 1,
      epoch: 0,
      place: 0,
    };
    expect(prepareImage(noise(1, 1), { preprocessing: p, augment })).toHaveLength(960);
  });

  it("is grey for a model of one channel", () => {
    const grey = { ...p, channels: 1, mean: [0.5], std: [0.5] };
    const augment = { options: { ...NO_AUGMENTATION, crop: null }, seed: 1, epoch: 0, place: 0 };
    const evaluated = prepareImage(image, { preprocessing: grey });
    expect(evaluated).toHaveLength(320);
    expect(prepareImage(image, { preprocessing: grey, augment })).toEqual(evaluated);
  });
});

describe("orientation", () => {
  it("undoes itself", () => {
    const image = noise(5, 3);
    for (const turns of [0, 1, 2, 3] as const) {
      const back = ((4 - turns) % 4) as 0 | 1 | 2 | 3;
      const once = orient(image, { turns, horizontal: false, vertical: false });
      expect(orient(once, { turns: back, horizontal: false, vertical: false })).toEqual(image);
    }
    const turned = orient(image, { turns: 2, horizontal: true, vertical: true });
    expect(turned).toEqual(image);
  });
});

describe("colour jitter", () => {
  it("of nothing changes nothing, and its steps come in every order", () => {
    const image = noise(6, 6);
    const none = { brightness: 0, contrast: 0, saturation: 0, hue: 0 };
    expect(colourJitter(image, none, seeded(1))).toEqual(image);
    const all = { brightness: 0.5, contrast: 0.5, saturation: 0.5, hue: 0.2 };
    const results = Array.from({ length: 20 }, (_, i) => colourJitter(image, all, seeded(i)).data.join());
    expect(new Set(results).size).toBe(20);
  });

  it("leaves greys grey", () => {
    const grey = {
      data: Uint8Array.from({ length: 48 }, (_, i) => Math.floor(i / 3) * 16),
      width: 4,
      height: 4,
    };
    expect(hue(grey, 0.3)).toEqual(grey);
  });
});

describe("RandAugment", () => {
  const image = noise(20, 20);

  it("at magnitude 0 moves nothing and shades nothing", () => {
    for (const operation of POLICY_OPERATIONS) {
      if (operation === "autocontrast" || operation === "equalize") continue;
      expect(policyOperation(image, operation, 0, 1), operation).toEqual(image);
    }
  });

  it("draws from its list alone", () => {
    const options = { operations: 2, magnitude: 30, among: ["identity"] as const };
    expect(randAugment(image, options, seeded(1))).toEqual(image);
  });
});

describe("random erasing", () => {
  it("sets one rectangle of the asked share to 0 in every channel", () => {
    const options = { probability: 1, scale: [0.1, 0.3], ratio: [0.5, 2] } as const;
    for (let seed = 0; seed < 40; seed++) {
      const pixels = new Float32Array(2 * 30 * 40).fill(1);
      randomErasing(pixels, [30, 40], options, seeded(seed));
      const erased = pixels.subarray(0, 1200).filter((v) => v === 0).length;
      expect(erased / 1200).toBeGreaterThan(0.08);
      expect(erased / 1200).toBeLessThan(0.33);
      expect(pixels.subarray(1200)).toEqual(pixels.subarray(0, 1200));
    }
    const whole = new Float32Array(1200).fill(1);
    randomErasing(whole, [30, 40], { ...options, probability: 0 }, seeded(1));
    expect(whole.every((v) => v === 1)).toBe(true);
  });
});

describe("mixing", () => {
  const batch = (size: number) => ({
    pixels: Float32Array.from({ length: 4 * 2 * 6 * 5 }, (_, i) => Math.floor(i / 60)),
    targets: oneHot([0, 1, 2, 3].slice(0, size), 4, 4),
    size,
    dims: [2, 6, 5] as const,
    classes: 4,
  });

  it("shares the targets as it shares the pixels, and leaves padding alone", () => {
    fc.assert(
      fc.property(fc.boolean(), fc.constantFrom(2, 3, 4), fc.nat(), (cuts, size, seed) => {
        const b = batch(size);
        const before = b.pixels.slice();
        mixBatch(b, { mixUp: cuts ? 0 : 0.8, cutMix: cuts ? 0.8 : 0, mixProbability: 1 }, seeded(seed));
        for (let i = 0; i < 4; i++) {
          const row = b.targets.subarray(i * 4, i * 4 + 4);
          const image = b.pixels.subarray(i * 60, i * 60 + 60);
          if (i >= size) {
            expect(image).toEqual(before.subarray(i * 60, i * 60 + 60));
            expect(row.every((v) => v === 0)).toBe(true);
            continue;
          }
          expect(row.reduce((a, v) => a + v, 0)).toBeCloseTo(1, 5);
          // Image i is i everywhere, so its mean says what it is made of.
          const mean = image.reduce((a, v) => a + v, 0) / 60;
          expect(mean).toBeCloseTo(
            row.reduce((a, v, c) => a + v * c, 0),
            4,
          );
        }
      }),
    );
  });

  it("is not done with probability 0, with α = 0, or to a single image", () => {
    const untouched = batch(4);
    for (const options of [
      { mixUp: 1, cutMix: 1, mixProbability: 0 },
      { mixUp: 0, cutMix: 0, mixProbability: 1 },
    ]) {
      const b = batch(4);
      mixBatch(b, options, seeded(1));
      expect(b).toEqual(untouched);
    }
    const single = batch(1);
    mixBatch(single, { mixUp: 1, cutMix: 0, mixProbability: 1 }, seeded(1));
    expect(single).toEqual(batch(1));
  });
});

describe("targets", () => {
  it("are smoothed as torch does, in the rows that are images", () => {
    const targets = oneHot([2, 0], 4, 3);
    smoothLabels(targets, 4, 2, 0.2);
    const expected = [0.05, 0.05, 0.85, 0.05, 0.85, 0.05, 0.05, 0.05, 0, 0, 0, 0];
    targets.forEach((v, i) => {
      expect(v).toBeCloseTo(expected[i] ?? 0, 6);
    });
  });

  it("have weights that make the classes count alike", () => {
    expect([...balancedClassWeights([0, 0, 0, 1], 2)]).toEqual([Math.fround(2 / 3), 2]);
    expect(() => balancedClassWeights([0, 0], 2)).toThrow(/Class 1 has no image/);
    expect(sampleWeights(oneHot([0, 1], 2, 3), 2, 3, 2, Float32Array.of(1, 3))).toEqual(
      Float32Array.of(0.25, 0.75, 0),
    );
    expect(sampleWeights(oneHot([0, 1], 2), 2, 4, 2)).toEqual(Float32Array.of(0.5, 0.5, 0, 0));
  });
});

describe("options", () => {
  it("have every default stated, take numbers as text, and survive being written down", () => {
    const options = augmentationOptions({ horizontalFlip: "0.25", jitter: { hue: "0.1" } });
    expect(options.horizontalFlip).toBe(0.25);
    expect(options.jitter).toEqual({ brightness: 0.2, contrast: 0.2, saturation: 0.1, hue: 0.1 });
    expect(options.crop).toEqual({ scale: [0.6, 1], ratio: [0.8, 1.25] });
    expect(augmentationOptions(JSON.parse(JSON.stringify(options)))).toEqual(options);
  });

  it("are refused by name", () => {
    expect(() => augmentationOptions({ horizontalFlip: 2 })).toThrow(
      /horizontalFlip is wrong: must be a number, from 0 to 1/,
    );
    expect(() => augmentationOptions({ mixup: 1 })).toThrow(/none called mixup/);
    expect(() => augmentationOptions({ crop: { scale: [1, 0.5] } })).toThrow(
      /crop\.scale is wrong: must be \[from, to\]/,
    );
    expect(() => augmentationOptions({ randAugment: { among: ["solarize"] } })).toThrow(/randAugment\.among/);
  });
});
