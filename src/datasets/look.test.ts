import { mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { rgbPng } from "../imaging/node/png.js";
import { lookAt, lookAtEach, rememberedLooks } from "./look.js";

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
  const look = await looks.look(path, { fingerprint: true });
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

  it("makes no fingerprint that is not asked for, and makes it when it is", async () => {
    const stripes = Uint8Array.from({ length: 3 * 64 * 64 }, (_, i) => ((i / 3) % 64 < 20 ? 250 : 5));
    writeFileSync(picture(), await rgbPng({ data: stripes, width: 64, height: 64 }));
    const bare = await lookAt(picture());
    expect(bare).toEqual({ sha256: expect.any(String), width: 64, height: 64, fingerprint: undefined });
    const looks = await rememberedLooks(file());
    expect(await looks.look(picture())).toEqual(bare);
    await looks.save();
    expect(JSON.parse(readFileSync(file(), "utf8")).images[picture()][5]).toBeNull();
    const printed = await seen(picture());
    expect(printed).toEqual({ ...bare, fingerprint: expect.any(Int8Array) });
    // What is known costs nothing to tell.
    expect(await (await rememberedLooks(file())).look(picture())).toEqual(printed);
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

describe("looks at many files", () => {
  it("come in the files' order, a few at a time", async () => {
    let [underWay, most] = [0, 0];
    const look = async (n: number) => {
      most = Math.max(most, ++underWay);
      await new Promise((resolve) => setTimeout(resolve, (n * 7) % 5));
      underWay--;
      return n;
    };
    const numbers = Array.from({ length: 30 }, (_, i) => i);
    const found: number[] = [];
    for await (const n of lookAtEach(numbers, look, undefined)) found.push(n);
    expect(found).toEqual(numbers);
    expect(most).toBe(4);
  });

  it("end when they are interrupted, and where one fails", async () => {
    const stop = new AbortController();
    const seen: number[] = [];
    const all = async (signal?: AbortSignal) => {
      const look = async (n: number) => {
        if (n === 9 && !signal) throw new Error("nine");
        return n;
      };
      for await (const n of lookAtEach([...Array(100).keys()], look, signal)) {
        seen.push(n);
        if (n === 5) stop.abort(new Error("stopped"));
      }
    };
    await expect(all(stop.signal)).rejects.toThrow("stopped");
    await expect(all()).rejects.toThrow("nine");
    expect(seen).toEqual([...Array(6).keys(), ...Array(9).keys()]);
  });
});
