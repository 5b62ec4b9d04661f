/**
 * Against Pillow and torchvision: test/oracle/augmentation.py made the goldens.
 */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { Interpolation } from "../../imaging/filters.js";
import type { RgbImage } from "../../imaging/image.js";
import { decodeImage } from "../../imaging/node/decode.js";
import { type AffineMap, affine } from "./affine.js";
import { gaussianBlur } from "./blur.js";
import { resizedCrop } from "./crop.js";
import { brightness, contrast, hue, saturation } from "./jitter.js";
import { orient } from "./orientation.js";
import { policyOperation } from "./policy.js";
import { autocontrast, equalize, posterize, sharpness } from "./tones.js";

interface Golden {
  readonly pictures: Readonly<Record<string, { width: number; height: number; data: string }>>;
  readonly changes: readonly { name: string; parameters: number[]; image: string; result: string }[];
  readonly crops: readonly {
    window: readonly [number, number, number, number];
    size: readonly [number, number];
    interpolation: Interpolation;
    sha256: string;
  }[];
}

const fixtures = new URL("../../../test/fixtures/", import.meta.url);
const golden = JSON.parse(readFileSync(new URL("training/augmentation.json", fixtures), "utf8")) as Golden;
const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, "base64"));
const pictures = new Map(
  Object.entries(golden.pictures).map(([name, p]): [string, RgbImage] => [
    name,
    { ...p, data: bytes(p.data) },
  ]),
);

const upright = { turns: 0, horizontal: false, vertical: false } as const;
const changes: Readonly<Record<string, (image: RgbImage, p: number[]) => RgbImage>> = {
  brightness: (i, [f = 0]) => brightness(i, f),
  contrast: (i, [f = 0]) => contrast(i, f),
  saturation: (i, [f = 0]) => saturation(i, f),
  hue: (i, [f = 0]) => hue(i, f),
  blur: (i, [sigma = 0]) => gaussianBlur(i, sigma),
  sharpness: (i, [f = 0]) => sharpness(i, f),
  posterize: (i, [bits = 8]) => posterize(i, bits),
  autocontrast,
  equalize,
  affine: (i, p) => affine(i, p as unknown as AffineMap),
  rotate: (i, [degrees = 0]) => policyOperation(i, "rotate", Math.abs(degrees) / 30, degrees > 0 ? -1 : 1),
  turn: (i, [turns = 0]) => orient(i, { ...upright, turns: turns as 1 | 2 | 3 }),
  horizontal: (i) => orient(i, { ...upright, horizontal: true }),
  vertical: (i) => orient(i, { ...upright, vertical: true }),
};

/** Greatest difference, in grey levels, that is allowed: sums in another order may fall on the other side of a half. */
const tolerance: Readonly<Record<string, number>> = { blur: 1, affine: 1, rotate: 1 };

describe("changes of a picture are those of Pillow and torchvision", () => {
  for (const name of Object.keys(changes)) {
    it(`${name}${tolerance[name] ? " to a grey level" : " bit for bit"}`, () => {
      const cases = golden.changes.filter((c) => c.name === name);
      expect(cases.length).toBeGreaterThan(0);
      for (const { parameters, image, result } of cases) {
        const source = pictures.get(image);
        if (!source) throw new Error(`no picture ${image}`);
        const before = source.data.slice();
        const made = changes[name]?.(source, parameters).data ?? new Uint8Array();
        const expected = bytes(result);
        const differences = expected.map((v, i) => Math.abs(v - (made[i] ?? 0)));
        expect(made.length).toBe(expected.length);
        expect(Math.max(...differences), `${image} ${parameters}`).toBeLessThanOrEqual(tolerance[name] ?? 0);
        expect(source.data).toEqual(before);
      }
    });
  }
});

describe("a resized crop", () => {
  it("is torchvision's on Pillow images bit for bit, in either direction and with every filter", async () => {
    const cell = await decodeImage(readFileSync(new URL("imaging/cell.png", fixtures)));
    for (const { window, size, interpolation, sha256 } of golden.crops) {
      const [left, top, width, height] = window;
      const made = resizedCrop(cell, { left, top, width, height }, size, interpolation);
      expect([made.height, made.width]).toEqual(size);
      expect(createHash("sha256").update(made.data).digest("hex")).toBe(sha256);
    }
  });
});
