import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { rememberedLooks } from "../../../datasets/look.js";
import { rgbPng } from "../../../imaging/node/png.js";
import { PARTS, type Part, writeSplits } from "../../data/splits.js";
import { finetuneOptions } from "../options.js";
import { type DataRequest, type LabelledData, labelledData } from "./labelled-data.js";

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "vitreous-labelled-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** A picture of one colour; no two numbers give the same bytes. */
const picture = (i: number, width = 2): Promise<Uint8Array> =>
  rgbPng({
    data: new Uint8Array(3 * width * 2).map((_, k) => (k < 2 ? (i >> (8 * k)) & 255 : 9)),
    width,
    height: 2,
  });

let made = 0;
function write(files: Readonly<Record<string, Uint8Array | string>>): string {
  const root = join(folder, `set-${made++}`);
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), content);
  }
  return root;
}

/** Pictures of a class by name, from a number on. */
async function pictures(label: string, from: number, count: number, width = 2) {
  const files: Record<string, Uint8Array> = {};
  for (let i = from; i < from + count; i++) files[`${label}/${i}.png`] = await picture(i, width);
  return files;
}

const opened = (path: string, more: Partial<DataRequest> = {}, seed = 1): Promise<LabelledData> =>
  labelledData({ path, options: finetuneOptions({ seed }), ...more });

/** The parts in which the images of each of the sets are. */
function partsOf({ parts }: LabelledData, sets: readonly (readonly string[])[]): readonly string[] {
  return sets.map((names) =>
    PARTS.filter((part) => parts[part].some(({ name }) => names.includes(name))).join("+"),
  );
}

describe("images that belong together", () => {
  it("are in one part where they have the same bytes, though the manifest says nothing of it", async () => {
    const own = { ...(await pictures("cat", 0, 20)), ...(await pictures("dog", 20, 20)) };
    const twins = Object.keys(own).filter((_, i) => i % 3 === 0);
    const copies = Object.fromEntries(twins.map((name) => [`copies/${name}`, own[name] ?? ""]));
    const names = [...Object.keys(own), ...Object.keys(copies)];
    const rows = names.map((name) => `${name},${name.includes("cat") ? "cat" : "dog"}`);
    const path = join(
      write({ ...own, ...copies, "manifest.csv": `path,label\n${rows.join("\n")}\n` }),
      "manifest.csv",
    );
    const { look } = await rememberedLooks(join(folder, "images.json"));
    for (let seed = 0; seed < 5; seed++) {
      const data = await opened(path, { look }, seed);
      const spread = partsOf(
        data,
        twins.map((name) => [name, `copies/${name}`]),
      );
      expect(spread.filter((parts) => parts.includes("+"))).toEqual([]);
      expect(Object.values(data.parts).flat()).toHaveLength(names.length);
    }
  });

  it("are in one part where groups.csv says so, and copies of theirs with them", async () => {
    const own = { ...(await pictures("cat", 0, 20)), ...(await pictures("dog", 20, 20)) };
    const near = ["cat/0.png", "cat/1.png", "cat/2.png"];
    const root = write({
      ...own,
      "cat/copy.png": own["cat/1.png"] ?? "",
      "groups.csv": `path,group\n${near.map((name) => `${name},patient-1`).join("\n")}\n`,
    });
    const { look } = await rememberedLooks(join(folder, "images.json"));
    for (let seed = 0; seed < 5; seed++) {
      const [parts = ""] = partsOf(await opened(root, { look }, seed), [[...near, "cat/copy.png"]]);
      expect(parts).not.toContain("+");
    }
  });
});

describe("what a person is told of the images", () => {
  it("is that a size goes with a class, which class and how many of its images", async () => {
    const root = write({
      ...(await pictures("benign", 0, 30)),
      ...(await pictures("malignant", 30, 18)),
      ...(await pictures("malignant", 60, 12, 3)),
      ...(await pictures("normal", 90, 30)),
    });
    const { notes } = await opened(root);
    expect(notes.join("\n")).toMatch(
      /3×2 goes with the class malignant: 12 of its 30 images are of that size \(40\.0 %\), of the others 0\.0 %.*shortcut/,
    );
    expect(notes.join("\n")).toMatch(/12 of 90 images are not 2×2 \(malignant 12, 40\.0 % of it\)/);
  });

  it("is nothing of sizes where they do not go with the class", async () => {
    const root = write({
      ...(await pictures("a", 0, 10)),
      ...(await pictures("a", 20, 10, 3)),
      ...(await pictures("b", 40, 10)),
      ...(await pictures("b", 60, 10, 3)),
    });
    expect((await opened(root)).notes.join("\n")).not.toMatch(/goes with the class \w+:/);
  });

  it("is which class has too few images, those that cannot be read not counted", async () => {
    const root = write({
      ...(await pictures("dark", 0, 8)),
      ...(await pictures("light", 10, 2)),
      "light/broken.png": "no picture",
      "light/empty.png": "",
    });
    await expect(opened(root)).rejects.toThrow(/the class "light" has 2 images; .* at least 3/);
    const enough = write({
      ...(await pictures("dark", 0, 8)),
      ...(await pictures("light", 10, 8)),
      "dark/x.png": "no",
    });
    const { parts, splits } = await opened(enough);
    expect(Object.values(parts).flat()).toHaveLength(16);
    expect(splits.setAside.map(({ path }) => path)).toEqual(["dark/x.png"]);
  });
});

/** Stripes across, of a width of their own, and a copy of each that is darker. */
async function stripes(): Promise<Record<string, Uint8Array>> {
  const files: Record<string, Uint8Array> = {};
  for (let i = 0; i < 16; i++)
    for (const [kind, high] of [
      ["", 250],
      ["-dark", 200],
    ] as const) {
      const data = Uint8Array.from({ length: 3 * 64 * 64 }, (_, k) =>
        Math.cos((Math.PI * Math.floor(k / 192) * ((i % 8) + 2)) / 64) > 0 === i < 8 ? high : (k / 3) % 64,
      );
      files[`${i % 2 ? "a" : "b"}/${i}${kind}.png`] = await rgbPng({ data, width: 64, height: 64 });
    }
  return files;
}

describe("images that look almost alike", () => {
  it("are warned of where the split of another run has them apart, and stay there", async () => {
    const root = write(await stripes());
    const { splits } = await opened(root, { nearDuplicates: "ignore" });
    const parts: readonly Part[] = ["train", "validation", "test"];
    const file = join(root, "splits.json");
    const apart = splits.items.map((item, i) => ({ ...item, split: parts[i % 3] ?? "train" }));
    writeFileSync(file, writeSplits({ ...splits, items: apart }));
    const given = await opened(root, { splits: file });
    expect(given.splits.items).toEqual(apart);
    expect(given.notes.join("\n")).toMatch(
      /\d+ pairs of images that look almost alike lie in different parts of the split, .*-?.*\.png \(\w+\) and .*\.png \(\w+\) for one; the split is left as it is/,
    );
    const ignored = await opened(root, { splits: file, nearDuplicates: "ignore" });
    expect(ignored.notes.join("\n")).not.toMatch(/alike/);
  });

  it("are apart as before in a run that began before they were looked for", async () => {
    const root = write(await stripes());
    const before = await opened(root, { nearDuplicates: "ignore" });
    const now = await opened(root);
    expect(now.sha256).not.toBe(before.sha256);
    expect((await opened(root, { goesOnWith: before.sha256 })).splits.items).toEqual(before.splits.items);
    expect((await opened(root, { goesOnWith: now.sha256 })).sha256).toBe(now.sha256);
    expect((await opened(root, { goesOnWith: "of other images" })).sha256).toBe(now.sha256);
  });
});

describe("the split of another run", () => {
  it("is taken as it is, whatever the seed", async () => {
    const root = write({ ...(await pictures("a", 0, 10)), ...(await pictures("b", 20, 10)) });
    const first = await opened(root);
    const file = join(root, "splits.json");
    writeFileSync(file, writeSplits(first.splits));
    const again = await opened(root, { splits: file }, 7);
    expect(again.parts).toEqual(first.parts);
    expect(again.sha256).toBe(first.sha256);
    expect(again.notes.join()).toContain(`the split is that of ${file}`);
    writeFileSync(join(root, "a", "late.png"), await picture(99));
    const later = await opened(root, { splits: file });
    expect(later.parts).toEqual(first.parts);
    expect(later.notes.join()).toMatch(/leaves out 1 of the data set's images/);
  });

  it("is refused for other images", async () => {
    const root = write({ ...(await pictures("a", 0, 5)), ...(await pictures("b", 20, 5)) });
    const file = join(root, "splits.json");
    writeFileSync(file, writeSplits((await opened(root)).splits));
    const other = write({ ...(await pictures("a", 0, 4)), ...(await pictures("b", 20, 5)) });
    await expect(opened(other, { splits: file })).rejects.toThrow(/1 image of the split is not in/);
    await expect(opened(root, { splits: join(root, "none.json") })).rejects.toThrow(
      /none\.json does not exist/,
    );
  });
});
