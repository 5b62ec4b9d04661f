/** @file Every kind of picture that people have: what can be shown is, what cannot is said in one line and costs nothing else. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import sharp from "sharp";
import { describe, expect, it } from "vitest";
import { writeNpy } from "../../src/imaging/npy.js";
import { complaints, expectNothingHalf, expectOneClearLine, gradient, VIT, workplace } from "./command.js";
import { explainJson } from "./contract.js";

const at = workplace();

const explain = (image: string, out: string, ...options: readonly string[]) =>
  at.run("explain", VIT, image, "--method", "rollout", "--out", out, ...options);

/** Predictions of the images, in order. */
const logits = (out: string) => at.json(explainJson, out, "explain.json").images.map((i) => i.logits);

const raw = (width: number, height: number) =>
  sharp(gradient(width, height), { raw: { width, height, channels: 3 } });

describe("unusual pictures", () => {
  it("are explained: 1×1, 16-bit, CMYK, with alpha, turned by EXIF, grey, BMP", async () => {
    const folder = at.path("odd", "x");
    mkdirSync(at.path("odd"), { recursive: true });
    await raw(1, 1).png().toFile(at.path("odd", "1x1.png"));
    await raw(40, 40).toColourspace("rgb16").png().toFile(at.path("odd", "deep.png"));
    await raw(40, 40).toColourspace("cmyk").jpeg().toFile(at.path("odd", "ink.jpg"));
    await raw(40, 40).ensureAlpha(0.3).png().toFile(at.path("odd", "glass.png"));
    await raw(40, 40).greyscale().tiff().toFile(at.path("odd", "grey.tiff"));
    await raw(30, 50).webp().toFile(at.path("odd", "web.webp"));
    const result = await explain("odd", "odd-out");
    expect(folder).toContain("odd");
    expect(complaints(result)).toEqual(["6 images explained; 6 map files and explain.json in odd-out"]);
    expect(result.status).toBe(0);
    for (const values of logits("odd-out")) for (const v of values) expect(Number.isFinite(v)).toBe(true);
  });

  it("are turned as their EXIF data say, before anything else", async () => {
    mkdirSync(at.path("turn"), { recursive: true });
    await raw(60, 40).png().toFile(at.path("turn", "1-upright.png"));
    // Stored lying; orientation 6 says: turn by 90° to see it upright.
    await raw(60, 40)
      .rotate(270)
      .withMetadata({ orientation: 6 })
      .png()
      .toFile(at.path("turn", "2-turned.png"));
    await raw(60, 40).rotate(270).png().toFile(at.path("turn", "3-lying.png"));
    expect((await explain("turn", "turn-out")).status).toBe(0);
    const [upright, turned, lying] = logits("turn-out");
    expect(turned).toEqual(upright);
    expect(lying).not.toEqual(upright);
  });

  it("may have a hundred megapixels", async () => {
    await sharp({ create: { width: 10_000, height: 10_000, channels: 3, background: "#876" } })
      .jpeg({ quality: 30 })
      .toFile(at.path("huge.jpg"));
    const result = await explain("huge.jpg", "huge-out");
    expect(result.status, result.stderr).toBe(0);
  });

  it("are refused where they are larger than memory should bear, by their header alone", async () => {
    // A PNG of 60,000 × 60,000 pixels that says so and holds nothing.
    const png = Buffer.from(await raw(2, 2).png().toBuffer());
    png.writeUInt32BE(60_000, 16);
    png.writeUInt32BE(60_000, 20);
    writeFileSync(at.path("bomb.png"), png);
    const result = await explain("bomb.png", "bomb-out");
    expect(result.status).toBe(1);
    expect(complaints(result)[0]).toMatch(/^bomb\.png /);
    expect(result.stderr).not.toMatch(/\n\s+at /);
  });
});

describe("pictures that cannot be used", () => {
  it("are reported at the end, one line each, and everything else is written", async () => {
    for (const name of ["a", "b", "c"]) await at.picture(`mixed/${name}.png`);
    const whole = readFileSync(at.path("mixed", "a.png"));
    writeFileSync(at.path("mixed", "cut.png"), whole.subarray(0, Math.floor(whole.length / 2)));
    writeFileSync(at.path("mixed", "empty.png"), "");
    writeFileSync(at.path("mixed", "notes.jpg"), "these are notes");
    writeFileSync(at.path("mixed", "small.npy"), writeNpy(new Float32Array(3 * 8 * 8), [3, 8, 8]));
    const broken = new Float32Array(3 * 32 * 32).fill(0.5);
    broken[7] = Number.NaN;
    writeFileSync(at.path("mixed", "nan.npy"), writeNpy(broken, [3, 32, 32]));
    const result = await explain("mixed", "mixed-out");
    expect(result.status).toBe(1);
    const said = complaints(result);
    expect(said).toHaveLength(6);
    expect(said[0]).toMatch(/^mixed\/cut\.png is damaged or truncated/);
    expect(said[1]).toMatch(/^mixed\/empty\.png is empty/);
    expect(said[2]).toMatch(/^mixed\/notes\.jpg is no image/);
    expect(said[3]).toMatch(/^mixed\/nan\.npy holds NaN/);
    expect(said[4]).toMatch(
      /^mixed\/small\.npy holds images of \[3, 8, 8\], but the model takes \[3, 32, 32\]/,
    );
    expect(said[5]).toBe("3 images explained; 3 map files and explain.json in mixed-out");
    expect(at.files("mixed-out")).toEqual(
      ["a", "b", "c"]
        .map((n) => `${n}.rollout.png`)
        .concat("explain.json")
        .sort(),
    );
    const { images, failed } = at.json(explainJson, "mixed-out", "explain.json");
    expect(images).toHaveLength(3);
    expect(failed.map((f) => f.image)).toEqual(
      ["cut.png", "empty.png", "notes.jpg", "nan.npy", "small.npy"].map((name) => `mixed/${name}`),
    );
  });

  it("also where none is left: a folder without images, a file that is not there", async () => {
    mkdirSync(at.path("bare"));
    writeFileSync(at.path("bare", "readme.txt"), "nothing here");
    const bare = await explain("bare", "never");
    expectOneClearLine(bare, /^vitreous: bare holds no images/);
    const absent = await explain("absent.png", "never");
    expectOneClearLine(absent, /^vitreous: absent\.png does not exist/);
    expect([bare.status, absent.status]).toEqual([1, 1]);
    expect(at.files()).not.toContain("never");
    expectNothingHalf(at.files());
  });

  it("do not stop an evaluation either", async () => {
    await at.picture("ev/a.png");
    writeFileSync(at.path("ev", "b.png"), "no picture");
    const result = await at.run(
      ...["evaluate", VIT, "ev", "--method", "rollout", "--metric", "deletion:step=512", "--out", "ev-out"],
    );
    expect(result.status).toBe(1);
    expect(complaints(result)[0]).toMatch(/^ev\/b\.png is no image/);
    expect(at.files("ev-out")).toEqual(["results.json", "scores.csv"]);
  });
});
