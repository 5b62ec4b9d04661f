import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import sharp from "sharp";
import { beforeAll, describe, expect, it } from "vitest";
import { greyThumbnail } from "../imaging/node/thumbnail.js";
import { normal, uniform } from "../random.js";
import { alikePairs } from "./alike.js";
import {
  directionOf,
  type Fingerprint,
  fingerprintOf,
  LENGTH,
  likeness,
  orientations,
  THUMBNAIL,
} from "./fingerprint.js";

/** Blood cells and ultrasound: as alike as pictures of one kind are that show different things. */
const originals: Buffer[] = ["pbc", "busi"].flatMap((set) => {
  const folder = fileURLToPath(new URL(`../../assets/images/${set}/`, import.meta.url));
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((name) => /\.(png|jpg)$/.test(name) && !/mask/.test(name))
    .sort()
    .map((name) => readFileSync(`${folder}${name}`));
});

async function printOf(bytes: Uint8Array): Promise<Fingerprint | undefined> {
  const grey = await greyThumbnail(bytes, "a picture", THUMBNAIL);
  return grey && fingerprintOf(grey);
}

async function cropped(bytes: Buffer, share: number): Promise<Buffer> {
  const { width, height } = await sharp(bytes).metadata();
  const [w, h] = [Math.round(width * share), Math.round(height * share)];
  const [left, top] = [Math.round((width - w) / 2), Math.round((height - h) / 2)];
  return sharp(bytes).extract({ left, top, width: w, height: h }).png().toBuffer();
}

const COPIES: Readonly<Record<string, (bytes: Buffer) => Promise<Buffer>>> = {
  "saved as JPEG of quality 60": (b) => sharp(b).jpeg({ quality: 60 }).toBuffer(),
  "saved as PNG": (b) => sharp(b).png().toBuffer(),
  "saved as WebP": (b) => sharp(b).webp().toBuffer(),
  "at half the size": async (b) =>
    sharp(b)
      .resize(Math.round((await sharp(b).metadata()).width / 2))
      .png()
      .toBuffer(),
  squeezed: (b) => sharp(b).resize(224, 224, { fit: "fill" }).png().toBuffer(),
  brighter: (b) => sharp(b).linear(1.1, 0).png().toBuffer(),
  darker: (b) => sharp(b).linear(0.9, 0).png().toBuffer(),
  "without colour": (b) => sharp(b).greyscale().png().toBuffer(),
  "cropped by 3 %": (b) => cropped(b, 0.97),
  mirrored: (b) => sharp(b).flop().png().toBuffer(),
  "upside down": (b) => sharp(b).flip().png().toBuffer(),
  "turned by a right angle": (b) => sharp(b).rotate(90).png().toBuffer(),
};

let prints: readonly (Fingerprint | undefined)[] = [];
beforeAll(async () => {
  prints = await Promise.all(originals.map(printOf));
});

const noise = (seed: number): Fingerprint => {
  const next = normal(seed);
  return Int8Array.from({ length: LENGTH }, () => Math.max(-127, Math.min(127, Math.round(40 * next()))));
};

/** Another picture of the same: every number a little off. */
const nearly = (print: Fingerprint, seed: number): Fingerprint => {
  const next = uniform(seed);
  return print.map((x) => Math.max(-127, Math.min(127, Math.round(x + 20 * (next() - 0.5)))));
};

describe("pictures that look almost alike", () => {
  it.each(Object.keys(COPIES))("are a picture and its copy %s", async (kind) => {
    const make = COPIES[kind];
    const copies = await Promise.all(originals.map(async (b) => printOf((await make?.(b)) ?? b)));
    const pairs = await alikePairs([...prints, ...copies]);
    expect(pairs.map(({ a, b }) => [a, b])).toEqual(originals.map((_, i) => [i, i + originals.length]));
  });

  it("are not different cells nor different scans, nor pictures of one shade, nor what cannot be decoded", async () => {
    expect(originals.length).toBeGreaterThanOrEqual(12);
    expect(await alikePairs(prints)).toEqual([]);
    const black = await sharp({ create: { width: 50, height: 40, channels: 3, background: "black" } })
      .png()
      .toBuffer();
    expect(await printOf(black)).toBeUndefined();
    expect(await printOf(Buffer.from("no picture"))).toBeUndefined();
    expect(await alikePairs([undefined, ...prints, undefined])).toEqual([]);
  });

  it("are found among thousands as they are among few", async () => {
    const count = 1600;
    const many = Array.from({ length: count }, (_, i) => noise(i + 1));
    const planted = [5, 700, 1599].map((i) => [i, nearly(many[i] as Fingerprint, i)] as const);
    const turned = directionOf(many[42] as Fingerprint);
    const mirrored = Int8Array.from(orientations(turned)[6] ?? [], (x) => Math.round(300 * x));
    const all = [...many, ...planted.map(([, print]) => print), mirrored];
    expect((await alikePairs(all)).map(({ a, b }) => [a, b])).toEqual([
      [5, count],
      [42, count + 3],
      [700, count + 1],
      [1599, count + 2],
    ]);
  }, 60_000);

  it("hang together where hundreds are alike, though not every pair of them is looked at", async () => {
    const crowds = 3;
    const count = 1800;
    const pairs = await alikePairs(
      Array.from({ length: count }, (_, i) => nearly(noise(1 + (i % crowds)), i + 9)),
    );
    expect(pairs.every(({ a, b }) => a % crowds === b % crowds)).toBe(true);
    const first = Array.from({ length: count }, (_, i) => i);
    // Names spread backwards and forwards until none changes.
    for (let news = true; news; ) {
      news = false;
      for (const { a, b } of pairs) {
        const least = Math.min(first[a] ?? a, first[b] ?? b);
        if (first[a] !== least || first[b] !== least) news = true;
        first[a] = least;
        first[b] = least;
      }
    }
    expect(new Set(first).size).toBe(crowds);
  }, 60_000);
});

describe("likeness", () => {
  it("is the greatest cosine over the eight orientations, whichever of the two is turned", () => {
    const [a, b] = [directionOf(noise(3)), directionOf(noise(4))];
    const cosine = (x: Float32Array, y: Float32Array): number =>
      x.reduce((sum, v, i) => sum + v * (y[i] ?? 0), 0);
    const all = orientations(a).map((turned) => cosine(turned, b));
    const found = likeness(a, b);
    expect(found.upright).toBeCloseTo(cosine(a, b), 5);
    expect(found.turned).toBeCloseTo(Math.max(...all.slice(1)), 5);
    expect(likeness(b, a).turned).toBeCloseTo(found.turned, 5);
  });
});
