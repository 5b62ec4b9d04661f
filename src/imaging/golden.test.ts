/**
 * Against Pillow, torchvision, timm, transformers, torch and scipy: test/oracle/imaging.py made the goldens.
 */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { riseBlur, riseTaps } from "./blur.js";
import type { Interpolation } from "./filters.js";
import type { RgbImage } from "./image.js";
import { decodeImage } from "./node/decode.js";
import { preprocess } from "./preprocess.js";
import { type Preprocessing, torchvisionPreprocessing } from "./preprocessing.js";
import { readPreprocessing } from "./read-preprocessing.js";
import { resample } from "./resample.js";
import { resizeMap } from "./resize-map.js";

interface Samples {
  readonly shape: readonly number[];
  readonly mean: number;
  readonly places: readonly number[];
  readonly values: readonly number[];
}

interface Golden {
  readonly versions: Readonly<Record<string, string>>;
  readonly decoded: Readonly<Record<string, { width: number; height: number; sha256: string }>>;
  readonly noise: Readonly<Record<string, [number, number, number]>>;
  readonly resampled: readonly (readonly [string, number, number, Interpolation, string])[];
  readonly resampledByTorch: Golden["resampled"];
  readonly preprocessed: readonly (Samples & {
    kind: string;
    config: Record<string, unknown>;
    image: string;
  })[];
  readonly maps: readonly (Samples & { from: [number, number]; to: [number, number]; source: number[] })[];
  readonly blur: { readonly kernel: number[]; readonly image: number[]; readonly blurred: number[] };
}

const folder = new URL("../../test/fixtures/imaging/", import.meta.url);
const fixture = (name: string): Uint8Array => readFileSync(new URL(name, folder));
const golden = JSON.parse(new TextDecoder().decode(fixture("golden.json"))) as Golden;
const sha256 = (data: Uint8Array): string => createHash("sha256").update(data).digest("hex");

async function pictures(): Promise<Map<string, RgbImage>> {
  const all = new Map<string, RgbImage>();
  const bytes = fixture("noise.bin");
  let at = 0;
  for (const [name, [height, width]] of Object.entries(golden.noise)) {
    const end = at + height * width * 3;
    all.set(name, { data: bytes.subarray(at, end), width, height });
    at = end;
  }
  for (const name of ["cell", "lesion"]) all.set(name, await decodeImage(fixture(`${name}.png`), name));
  return all;
}

const found = (all: Map<string, RgbImage>, name: string): RgbImage => {
  const image = all.get(name);
  if (!image) throw new Error(`no picture ${name}`);
  return image;
};

describe("decoding", () => {
  it.each(Object.entries(golden.decoded))("gives Pillow's pixels of %s", async (name, expected) => {
    const image = await decodeImage(fixture(name), name);
    expect([image.width, image.height]).toEqual([expected.width, expected.height]);
    expect(sha256(image.data)).toBe(expected.sha256);
  });
});

describe("resampling", () => {
  it(`gives Pillow's bytes for all ${golden.resampled.length} combinations of picture, size and filter`, async () => {
    const all = await pictures();
    const wrong = golden.resampled.filter(([name, width, height, filter, hash]) => {
      return sha256(resample(found(all, name), width, height, filter).data) !== hash;
    });
    expect(wrong).toEqual([]);
  });

  it(`gives torch's bytes for all ${golden.resampledByTorch.length} combinations of picture, size and filter`, async () => {
    const all = await pictures();
    const wrong = golden.resampledByTorch.filter(([name, width, height, filter, hash]) => {
      return sha256(resample(found(all, name), width, height, filter, undefined, "torch").data) !== hash;
    });
    expect(wrong).toEqual([]);
  });

  it.each(["pillow", "torch"] as const)(
    "computes a window exactly as it is in the whole (%s)",
    async (by) => {
      const all = await pictures();
      for (const [name, width, height] of [
        ["cell", 64, 71],
        ["3x500", 90, 40],
        ["97x13", 50, 300],
      ] as const) {
        for (const filter of ["nearest", "bicubic", "lanczos"] as const) {
          const whole = resample(found(all, name), width, height, filter, undefined, by);
          const window = { left: 11, top: 7, width: 30, height: 25 };
          const part = resample(found(all, name), width, height, filter, window, by);
          const rows = Array.from({ length: 25 }, (_, y) => {
            const start = ((y + 7) * width + 11) * 3;
            return [...whole.data.subarray(start, start + 90)];
          });
          expect([...part.data]).toEqual(rows.flat());
        }
      }
    },
  );
});

function read(kind: string, config: Record<string, unknown>): Preprocessing {
  if (kind !== "torchvision") return readPreprocessing(config, "config");
  return torchvisionPreprocessing(Number(config.resize), Number(config.crop));
}

describe("preprocessing", () => {
  const cases = golden.preprocessed.map((g) => [g.kind, JSON.stringify(g.config), g.image, g] as const);
  it.each(cases)("%s %s on %s", async (_kind, _config, name, g) => {
    const p = read(g.kind, g.config);
    const made = preprocess(found(await pictures(), name), p);
    expect([made.channels, made.height, made.width]).toEqual(g.shape);
    // One grey level, in units of the normalised value.
    const level = Math.max(...p.std.map((s) => p.rescale / s));
    // torch resamples real numbers with weights in single precision.
    const bound = p.resizeOn === "rescaled" ? 3e-3 : 1e-3;
    const worst = Math.max(
      ...g.places.map((at, i) => Math.abs((made.data[at] ?? Number.NaN) - (g.values[i] ?? 0))),
    );
    expect(worst).toBeLessThan(level * bound);
    const mean = made.data.reduce((a, b) => a + b, 0) / made.data.length;
    expect(Math.abs(mean - g.mean)).toBeLessThan(level * 1e-4);
  });
});

describe("maps", () => {
  it.each(golden.maps.map((m) => [m.from.join("×"), m.to.join("×"), m] as const))(
    "are resized from %s to %s as torch does",
    (_from, _to, m) => {
      const out = resizeMap(Float32Array.from(m.source), m.from, m.to);
      const worst = m.places.map((at, i) => Math.abs((out[at] as number) - (m.values[i] as number)));
      expect(Math.max(...worst)).toBeLessThan(1e-6);
    },
  );
});

describe("RISE's blur", () => {
  it("has scipy's kernel", () => {
    const taps = riseTaps();
    golden.blur.kernel.forEach((k, i) => {
      expect((taps[Math.floor(i / 11)] as number) * (taps[i % 11] as number)).toBeCloseTo(k, 12);
    });
  });

  it("equals torch's convolution with it", () => {
    const data = Float32Array.from(golden.blur.image);
    const out = riseBlur({ data, channels: 3, height: 23, width: 31 });
    const worst = golden.blur.blurred.map((v, i) => Math.abs((out[i] as number) - v));
    expect(Math.max(...worst)).toBeLessThan(1e-6);
  });
});
