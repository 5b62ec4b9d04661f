import { mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { rgbPng } from "../imaging/node/png.js";
import { rememberedLooks } from "./look.js";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "vitreous-look-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

const file = (): string => join(folder, "images.json");
const picture = (): string => join(folder, "a.png");
const png = (width: number, shade: number) =>
  rgbPng({ data: new Uint8Array(3 * width).fill(shade), width, height: 1 });

async function seen(path: string) {
  const looks = await rememberedLooks(file());
  const look = await looks.look(path);
  await looks.save();
  return look;
}

describe("a look at a picture's file", () => {
  it("is remembered for as long as the file's length and time are the same", async () => {
    const bytes = await png(3, 7);
    writeFileSync(picture(), bytes);
    utimesSync(picture(), 1000, 1000);
    const first = await seen(picture());
    expect(first).toMatchObject({ width: 3, height: 1 });
    // Other bytes under the same length and time: only what was remembered can say what was there.
    writeFileSync(
      picture(),
      bytes.map(() => 0),
    );
    utimesSync(picture(), 1000, 1000);
    expect(await seen(picture())).toEqual(first);
    writeFileSync(picture(), await png(5, 7));
    expect(await seen(picture())).toMatchObject({ width: 5 });
  });

  it("is taken again where the memory is damaged, and where there was no picture", async () => {
    writeFileSync(picture(), "none");
    expect(await seen(picture())).toMatchObject({ failure: expect.stringMatching(/a\.png/) });
    utimesSync(picture(), 1000, 1000);
    writeFileSync(picture(), await png(2, 1));
    writeFileSync(file(), '{"version":1,"images":{"x":[1]}}');
    expect(await seen(picture())).toMatchObject({ width: 2 });
    expect(JSON.parse(readFileSync(file(), "utf8")).images[picture()]).toHaveLength(6);
  });

  it("remembers what the picture looks like, and looks again where it was remembered without", async () => {
    const stripes = Uint8Array.from({ length: 3 * 64 * 64 }, (_, i) => ((i / 3) % 64 < 20 ? 250 : 5));
    writeFileSync(picture(), await rgbPng({ data: stripes, width: 64, height: 64 }));
    const first = await seen(picture());
    expect(first).toMatchObject({ fingerprint: expect.any(Int8Array) });
    expect(await seen(picture())).toEqual(first);
    const { images } = JSON.parse(readFileSync(file(), "utf8"));
    const [size, time, sha256] = images[picture()];
    for (const [version, row] of [
      [1, [size, time, sha256, 7, 7]],
      [2, [size, time, sha256, 7, 7, "AAAA"]],
    ] as const) {
      writeFileSync(file(), JSON.stringify({ version, images: { [picture()]: row } }));
      expect(await seen(picture())).toEqual(first);
    }
  });

  it("sees nothing to be alike in where a picture has one shade", async () => {
    writeFileSync(picture(), await png(3, 7));
    expect(await seen(picture())).toEqual({
      sha256: expect.any(String),
      width: 3,
      height: 1,
      fingerprint: undefined,
    });
    expect(await seen(picture())).toMatchObject({ width: 3, fingerprint: undefined });
  });

  it("says which file is not there", async () => {
    const { look } = await rememberedLooks(file());
    await expect(look(join(folder, "none.png"))).rejects.toThrow(/none\.png does not exist/);
  });
});
