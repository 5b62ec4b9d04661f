import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import sharp from "sharp";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { examineDataset } from "./examine.js";
import { readMask } from "./masks.js";
import { openDataset } from "./open.js";
import { splitItems } from "./split.js";

let root = "";
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "vitreous-data-"));
});
afterEach(() => rm(root, { recursive: true, force: true }));

/** Writes files below the root; text, or a grey picture of [width, height, value]. */
async function put(
  files: Readonly<Record<string, string | readonly [number, number, number]>>,
): Promise<void> {
  for (const [name, content] of Object.entries(files)) {
    const path = join(root, name);
    await mkdir(dirname(path), { recursive: true });
    if (typeof content === "string") await writeFile(path, content);
    else {
      const [width, height, v] = content;
      await sharp({ create: { width, height, channels: 3, background: { r: v, g: v, b: v } } })
        .png()
        .toFile(path);
    }
  }
}

const names = (items: readonly { readonly name: string }[]): string[] => items.map((item) => item.name);

describe("openDataset", () => {
  it("opens PBC from its folder or the one above, and counts the hidden file that is no image", async () => {
    await put({
      "PBC_dataset_normal_DIB/neutrophil/BNE_2.jpg": "x",
      "PBC_dataset_normal_DIB/neutrophil/BNE_10.jpg": "x",
      "PBC_dataset_normal_DIB/neutrophil/.DS_169665.jpg": "no image",
      "PBC_dataset_normal_DIB/neutrophil/.DS_Store": "x",
      "PBC_dataset_normal_DIB/basophil/BA_1.jpg": "x",
    });
    for (const path of [root, join(root, "PBC_dataset_normal_DIB")]) {
      const d = await openDataset(path);
      expect(d).toMatchObject({ name: "PBC", layout: "pbc", classes: ["basophil", "neutrophil"] });
      expect(names(d.items)).toEqual(["basophil/BA_1.jpg", "neutrophil/BNE_2.jpg", "neutrophil/BNE_10.jpg"]);
      expect(d.skipped.map((s) => s.reason)).toEqual(["hidden file"]);
      expect(d.notes).toContain("1 file skipped: hidden file");
    }
  });

  it("opens BUSI with its masks, which are no images", async () => {
    await put({
      "Dataset_BUSI_with_GT/benign/benign (2).png": "x",
      "Dataset_BUSI_with_GT/benign/benign (2)_mask.png": "x",
      "Dataset_BUSI_with_GT/benign/benign (2)_mask_1.png": "x",
      "Dataset_BUSI_with_GT/benign/benign (10).png": "x",
      "Dataset_BUSI_with_GT/benign/benign (10)_mask.png": "x",
      "Dataset_BUSI_with_GT/normal/normal (1).png": "x",
      "Dataset_BUSI_with_GT/normal/normal (7)_mask.png": "x",
    });
    const d = await openDataset(root);
    expect(names(d.items)).toEqual([
      "benign/benign (2).png",
      "benign/benign (10).png",
      "normal/normal (1).png",
    ]);
    expect(d.items.map((item) => item.masks?.length ?? 0)).toEqual([2, 1, 0]);
    expect(d.notes).toEqual([
      "1 file skipped: mask without its image",
      "1 image has several masks, meant as their union",
    ]);
  });

  it("takes groups from groups.csv and says which span classes", async () => {
    await put({
      "Dataset_BUSI_with_GT/benign/a.png": "x",
      "Dataset_BUSI_with_GT/benign/b.png": "x",
      "Dataset_BUSI_with_GT/malignant/c.png": "x",
      "groups.csv": "path,group\nbenign/a.png,1\nbenign/b.png,\nmalignant/c.png,1\n",
    });
    const d = await openDataset(root);
    expect(d.items.map((item) => item.group)).toEqual(["1", undefined, "1"]);
    expect(d.notes).toEqual([
      "1 group of related images (2 images) must stay together in a split",
      "1 group holds images of different classes",
    ]);
  });

  it("groups byte-identical files on request", async () => {
    await put({ "x/a.png": "same", "x/b.png": "same", "y/c.png": "same", "y/d.png": "else" });
    expect((await openDataset(root)).items.every((item) => item.group === undefined)).toBe(true);
    const d = await openDataset(root, { groupIdentical: true });
    expect(d.items.map((item) => item.group)).toEqual(["x/a.png", "x/a.png", "x/a.png", undefined]);
  });

  it("opens a folder for each class, also with folders inside, and a plain folder", async () => {
    await put({ "cat/deep/1.png": "x", "dog/2.JPG": "x", "empty/readme.txt": "x" });
    const d = await openDataset(root);
    expect(d).toMatchObject({ layout: "class-folders", classes: ["cat", "dog"] });
    expect(names(d.items)).toEqual(["cat/deep/1.png", "dog/2.JPG"]);
    const plain = await openDataset(join(root, "dog"));
    expect(plain).toMatchObject({ layout: "images", classes: [] });
    expect(plain.items[0]?.label).toBeUndefined();
  });

  it("says what a folder without images lacks", async () => {
    await put({ "notes.txt": "x", ".hidden.png": "x" });
    await expect(openDataset(root)).rejects.toThrow(/holds no images \(1 files were left out: hidden file\)/);
    await expect(openDataset(join(root, "none"))).rejects.toThrow(/does not exist/);
    await expect(openDataset(join(root, "notes.txt"))).rejects.toThrow(/is no data set/);
  });

  it("does not run in circles through links", async () => {
    await put({ "a/1.png": "x" });
    await symlink(root, join(root, "a", "loop"));
    expect(names((await openDataset(root)).items)).toEqual(["a/1.png"]);
  });
});

describe("a CSV manifest", () => {
  it("gives label, split, group, masks and box, with paths relative to itself", async () => {
    await put({
      "in/a.png": "x",
      "in/m1.png": "x",
      "in/m2.png": "x",
      "in/b.png": "x",
      "set.csv":
        '\ufeffPath, label ,split,group,mask,lesion_box\nin/a.png,sick,train,p1,in/m1.png;in/m2.png,"1 2 30 40"\nin/b.png,"well, really",test,,,\n',
    });
    const d = await openDataset(join(root, "set.csv"));
    expect(d.classes).toEqual(["sick", "well, really"]);
    expect(d.items[0]).toMatchObject({ split: "train", group: "p1", box: { x0: 1, y0: 2, x1: 30, y1: 40 } });
    expect(d.items[0]?.masks?.length).toBe(2);
    expect(d.items[1]).toEqual({
      path: join(root, "in/b.png"),
      name: "in/b.png",
      label: "well, really",
      split: "test",
    });
  });

  it("skips and counts pictures that do not exist", async () => {
    await put({ "a.png": "x", "manifest.csv": "path,label\na.png,1\nb.png,1\n" });
    const d = await openDataset(root);
    expect(d.skipped[0]?.reason).toBe("listed on line 3 of the manifest, but no such file");
    expect(d.notes).toEqual(["1 file skipped: listed in the manifest, but no such file"]);
  });

  it.each([
    ["name,label\na.png,1\n", /line 1: the column "path" is missing; the columns are "name", "label"/],
    ["path,label\na.png,1\n,2\n", /line 3: the path is missing/],
    ["path,label\na.png,1,2\n", /line 2/],
    ["path,label,box\na.png,1,4 4 2 9\n", /line 2: the box "4 4 2 9" is not/],
    ["path,label\na.png,1\na.png,2\n", /line 3: a\.png is listed twice \(before on line 2\)/],
    ['path,label\n"a.png,1\n', /manifest\.csv/],
    ["", /is empty/],
  ])("names the line that is wrong in %j", async (text, message) => {
    await put({ "a.png": "x", "manifest.csv": text });
    await expect(openDataset(root)).rejects.toThrow(message);
  });
});

describe("masks and sizes", () => {
  it("merges several masks and reports an empty one", async () => {
    await put({ "a.png": [4, 3, 255], "b.png": [4, 3, 0], "c.png": [5, 3, 0] });
    const paths = ["a.png", "b.png", "c.png"].map((name) => join(root, name));
    expect(await readMask(paths.slice(0, 2))).toMatchObject({ width: 4, height: 3, area: 12 });
    expect((await readMask(paths.slice(1, 2))).area).toBe(0);
    await expect(readMask(paths)).rejects.toThrow(/c\.png is 5×3 pixels/);
  });

  it("counts images of an unusual size by class, empty masks and files that are no images", async () => {
    await put({
      "ill/1.png": [8, 8, 9],
      "ill/2.png": [9, 8, 9],
      "ill/3.png": "not an image",
      "well/4.png": [8, 8, 9],
      "well/5.png": [8, 8, 9],
      "well/5_mask.png": [8, 8, 0],
    });
    const e = await examineDataset(await openDataset(root));
    expect([...e.sizes]).toEqual([
      ["8×8", 3],
      ["9×8", 1],
    ]);
    expect(e.emptyMasks).toEqual(["well/5.png"]);
    expect(e.broken[0]?.reason).toMatch(/is no image/);
    expect(e.notes[0]).toMatch(/1 of 4 images are not 8×8 \(ill 1, 50\.0 % of it\)/);
  });
});

const shared = new URL("../../../shared/data/", import.meta.url).pathname;
describe.skipIf(!existsSync(shared))("the real data sets (where ../shared/data is present)", () => {
  it("PBC: 13,673 images in 8 classes, one file skipped, 17 groups of duplicates, one across classes", async () => {
    const d = await openDataset(join(shared, "pbc"));
    expect([d.layout, d.items.length, d.classes.length, d.skipped.length]).toEqual(["pbc", 13_673, 8, 1]);
    expect(d.skipped[0]?.path).toMatch(/neutrophil[/\\]\.DS_169665\.jpg$/);
    expect(d.notes.join()).toMatch(/17 groups of related images.*1 group holds images of different classes/);
    const parts = splitItems(d.items, { train: 0.7, val: 0.1, test: 0.2 }, 1);
    for (const label of d.classes) {
      const all = d.items.filter((item) => item.label === label);
      const test = all.filter((item) => parts.get(item.name) === "test").length;
      expect(Math.abs(test - all.length * 0.2)).toBeLessThan(3);
    }
  });

  it("finds the byte-identical pairs of PBC itself when groups.csv is not there", async () => {
    await symlink(join(shared, "pbc/PBC_dataset_normal_DIB"), join(root, "copy"));
    const d = await openDataset(join(root, "copy"), { groupIdentical: true });
    const published = await openDataset(join(shared, "pbc"));
    const members = (items: typeof d.items): string[] =>
      names(items.filter((item) => item.group !== undefined));
    const found = new Set(members(d.items));
    // Resizing has not made twins of what were none, nor the other way round.
    expect(members(published.items).filter((name) => !found.has(name))).toEqual([]);
  });

  it("BUSI: 624 images in 3 classes, every one with a mask, 8 groups across classes", async () => {
    const d = await openDataset(join(shared, "busi"));
    expect([d.layout, d.items.length, d.classes.join()]).toEqual(["busi", 624, "benign,malignant,normal"]);
    expect(d.items.every((item) => item.masks)).toBe(true);
    expect(d.notes.join()).toMatch(/8 groups hold images of different classes/);
  });
});
if (!existsSync(shared))
  console.info("../shared/data is absent: the tests on the real data sets are skipped");
