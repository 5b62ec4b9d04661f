import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { VitreousError } from "../../onnx/errors.js";
import { decodeImage } from "./decode.js";
import { readBytes } from "./file-error.js";

const fixture = (name: string): Promise<Uint8Array> =>
  readBytes(new URL(`../../../test/fixtures/imaging/${name}`, import.meta.url).pathname);

/** The message of the VitreousError that decoding ends in: one line, with the name in front. */
async function complaint(source: string | Uint8Array, name?: string): Promise<string> {
  const error = await decodeImage(source, name).then(
    () => undefined,
    (e: unknown) => e,
  );
  expect(error).toBeInstanceOf(VitreousError);
  const { message } = error as VitreousError;
  expect(message).not.toContain("\n");
  return message;
}

describe("decodeImage says what was done", () => {
  it("applies EXIF orientation and notes it", async () => {
    const turned = await decodeImage(await fixture("orientation-6.jpg"));
    expect([turned.width, turned.height, turned.orientationApplied]).toEqual([47, 61, true]);
    expect(turned.notes).toContain("EXIF orientation 6 applied");
    expect((await decodeImage(await fixture("orientation-1.jpg"))).orientationApplied).toBe(false);
  });

  it("notes a dropped alpha channel, 16 bits, CMYK, further frames and an ignored profile", async () => {
    const notes = async (name: string): Promise<string> =>
      (await decodeImage(await fixture(name))).notes.join("; ");
    expect(await notes("rgba.png")).toBe("alpha channel dropped");
    expect(await notes("grey16.png")).toBe("16 bits reduced to 8 by keeping the high byte");
    expect(await notes("cmyk.jpg")).toBe("CMYK converted by Pillow's formula");
    expect(await notes("frames.webp")).toMatch(/^first of 2 frames/);
    expect(await notes("profile.jpg")).toBe("embedded colour profile not applied");
    expect(await notes("cell.png")).toBe("");
  });

  it("takes a picture of one pixel", async () => {
    const one = await decodeImage(await fixture("one-pixel.png"));
    expect([one.width, one.height, ...one.data]).toEqual([1, 1, 12, 34, 56]);
  });

  it("goes by content and not by name", async () => {
    expect((await decodeImage(await fixture("baseline-420.jpg"), "wrong.png")).format).toBe("JPEG");
  });

  it("decodes 100 megapixels", async () => {
    const background = { r: 10, g: 200, b: 30 };
    const bytes = await sharp({
      create: { width: 10_000, height: 10_000, channels: 3, background },
      limitInputPixels: false,
    })
      .png({ compressionLevel: 1 })
      .toBuffer();
    const image = await decodeImage(bytes);
    expect([image.width, image.height, ...image.data.subarray(-3)]).toEqual([10_000, 10_000, 10, 200, 30]);
  });
});

describe("decodeImage complains in one sentence", () => {
  let folder = "";
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "vitreous-decode-"));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it("of an empty file", async () => {
    expect(await complaint(new Uint8Array(0), "a.png")).toBe("a.png is empty (0 bytes).");
  });

  it("of a file that is no image", async () => {
    expect(await complaint(new TextEncoder().encode("BM is how this text begins, sadly"), "a.bmp")).toMatch(
      /^a\.bmp is no image/,
    );
  });

  it.each([
    ["picture.gif", "a GIF"],
    ["drawing.svg", "an SVG drawing"],
    ["paper.pdf", "a PDF"],
  ])("of %s, and says what it is", async (name, kind) => {
    const contents: Record<string, Uint8Array> = {
      "drawing.svg": new TextEncoder().encode(
        '<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"/>',
      ),
      "paper.pdf": new TextEncoder().encode("%PDF-1.7 …"),
    };
    const bytes = contents[name] ?? (await fixture(name));
    expect(await complaint(bytes, name)).toBe(`${name} is ${kind}; save it as PNG, JPEG, TIFF, WebP or BMP.`);
  });

  it.each([
    "baseline-420.jpg",
    "progressive-444.jpg",
    "cell.png",
    "plain.tif",
    "lzw.tif",
    "lossy.webp",
    "rgb24.bmp",
  ])("of %s cut in half", async (name) => {
    const bytes = await fixture(name);
    expect(await complaint(bytes.subarray(0, bytes.length >> 1), name)).toMatch(/truncated/);
  });

  it("of floating-point pixels, whose white is not defined", async () => {
    expect(await complaint(await fixture("float.tif"), "float.tif")).toMatch(/float samples/);
  });

  it("of more pixels than fit, before decoding any", async () => {
    const bmp = Uint8Array.from(await fixture("rgb24.bmp"));
    new DataView(bmp.buffer).setInt32(18, 30_000, true);
    new DataView(bmp.buffer).setInt32(22, 30_000, true);
    expect(await complaint(bmp, "huge.bmp")).toMatch(/900 megapixels; at most 400/);
    // The sides stand behind a JPEG's frame marker, without a checksum.
    const wide = Uint8Array.from(await fixture("baseline-420.jpg"));
    const frame = wide.findIndex((byte, i) => byte === 0xff && wide[i + 1] === 0xc0);
    new DataView(wide.buffer).setUint16(frame + 5, 14_000);
    new DataView(wide.buffer).setUint16(frame + 7, 30_000);
    expect(await complaint(wide, "huge.jpg")).toMatch(/420 megapixels \(30000×14000\); at most 400/);
  });

  it("of a missing file, a folder, and a file without permission", async () => {
    expect(await complaint(join(folder, "none.png"))).toMatch(/does not exist/);
    await mkdir(join(folder, "sub.png"));
    expect(await complaint(join(folder, "sub.png"))).toMatch(/is a folder/);
    const locked = join(folder, "locked.png");
    await writeFile(locked, "x");
    await chmod(locked, 0);
    // Root may read everything.
    if (process.getuid?.() !== 0) expect(await complaint(locked)).toMatch(/permission is denied/);
  });

  it("of anything that is made of a picture by chance: never a crash", async () => {
    const names = ["baseline-420.jpg", "palette.png", "lzw.tif", "lossy.webp", "palette8.bmp"];
    const sources = await Promise.all(names.map(fixture));
    await fc.assert(
      fc.asyncProperty(
        fc.nat(sources.length - 1),
        fc.array(fc.tuple(fc.double({ min: 0, max: 0.999, noNaN: true }), fc.nat(255)), { maxLength: 20 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        async (which, changes, kept) => {
          const source = sources[which] ?? new Uint8Array(0);
          const bytes = source.slice(0, Math.ceil(source.length * kept));
          for (const [at, value] of changes) bytes[Math.floor(at * bytes.length)] = value;
          const result = await decodeImage(bytes, "x").catch((e: unknown) => e);
          if (result instanceof Error) expect(result).toBeInstanceOf(VitreousError);
        },
      ),
      { numRuns: 200, seed: 7 },
    );
  });
});
