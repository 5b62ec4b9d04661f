import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { writeNpy } from "../imaging/npy.js";
import { collectImages } from "./collect.js";
import { uniqueStems } from "./stems.js";

let root = "";
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "vitreous-collect-"));
});
afterEach(() => rm(root, { recursive: true, force: true }));

async function put(...names: readonly string[]): Promise<void> {
  for (const name of names) {
    await mkdir(dirname(join(root, name)), { recursive: true });
    await writeFile(join(root, name), "x");
  }
}

const at = (...names: readonly string[]): string[] => names.map((name) => join(root, name));
const stems = async (...paths: readonly string[]): Promise<string[]> =>
  (await collectImages(paths)).images.map((image) => image.stem);

describe("collectImages", () => {
  it("searches folders with all below them, without hidden files, masks and other files", async () => {
    await put(
      "b/10.png",
      "b/2.png",
      "b/.x.png",
      "b/2_mask.png",
      "b/readme.txt",
      "a/deep/x.JPEG",
      ".git/y.png",
    );
    const c = await collectImages([root]);
    expect(c.images.map((image) => image.stem)).toEqual(["x", "2", "10"]);
    expect(c.notes).toEqual(["1 hidden file skipped", "1 mask beside images skipped"]);
    expect(c.failed).toEqual([]);
  });

  it("keeps the order given and takes nothing twice", async () => {
    await put("b.png", "a.png", "odd-name");
    expect(await stems(...at("odd-name", "b.png"), root)).toEqual(["odd-name", "b", "a"]);
  });

  it("puts the relative path into the name where two images share a stem", async () => {
    await put("one/x.png", "two/x.png", "two/y.png", "two/y.jpg", "three/z.png");
    expect(await stems(root)).toEqual(["one_x", "z", "two_x", "two_y.jpg", "two_y.png"]);
  });

  it("lists what it cannot use and goes on", async () => {
    await put("a.png", "empty/readme.txt");
    const c = await collectImages([...at("none.png", "a.png"), join(root, "empty")]);
    expect(c.images.length).toBe(1);
    expect(c.failed.map((f) => f.error)).toEqual([
      expect.stringMatching(/none\.png does not exist\.$/),
      expect.stringMatching(/empty holds no images/),
    ]);
  });

  it("says so when there is nothing at all", async () => {
    await put("empty/readme.txt");
    await expect(collectImages(at("empty"))).rejects.toThrow(/holds no images/);
    await expect(collectImages([])).rejects.toThrow("No images were given.");
  });

  it("numbers the items of a tensor batch, and not a single tensor", async () => {
    await writeFile(join(root, "one.npy"), writeNpy(new Float32Array(12), [3, 2, 2]));
    await writeFile(join(root, "two.npy"), writeNpy(new Float32Array(24), [2, 3, 2, 2]));
    await writeFile(join(root, "bad.npy"), "no array");
    const c = await collectImages([root]);
    expect(c.images.map(({ stem, index }) => [stem, index])).toEqual([
      ["one", 0],
      ["two-0", 0],
      ["two-1", 1],
    ]);
    expect(c.images[2]?.name).toBe(`${join(root, "two.npy")}[1]`);
    expect(c.failed[0]?.error).toMatch(/bad\.npy is not a NumPy/);
  });
});

describe("names for output files", () => {
  it("are unique on file systems that ignore case, and free of what they refuse", () => {
    const part = fc.stringMatching(/^[aAbB./:*\\-]{0,4}$/);
    fc.assert(
      fc.property(
        fc.array(fc.array(part, { minLength: 1, maxLength: 3 }), { maxLength: 12 }),
        (candidates) => {
          const made = uniqueStems(candidates).map((name) => name.toLowerCase());
          expect(new Set(made).size).toBe(made.length);
          for (const name of made) expect(name).toMatch(/^[^/\\:*?"<>|]+$/);
        },
      ),
    );
  });
});
