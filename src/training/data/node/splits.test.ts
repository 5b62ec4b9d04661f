import { copyFileSync, mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Dataset } from "../../../datasets/dataset.js";
import { lookAt } from "../../../datasets/look.js";
import { openDataset } from "../../../datasets/open.js";
import { rgbPng } from "../../../imaging/node/png.js";
import { uniform } from "../../../random.js";
import { readSplits, type SplitRecord, splitCounts, writeSplits } from "../splits.js";
import { itemsOfSplits, openSplits } from "./open-splits.js";
import { splitDataset } from "./splits.js";

let folder = "";
/** Pictures of one pixel, no two alike. */
const pictures: Uint8Array[] = [];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "vitreous-splits-"));
  for (let i = 0; i < 60; i++)
    pictures.push(await rgbPng({ data: Uint8Array.of(i, 0, 0), width: 1, height: 1 }));
});
afterAll(() => rmSync(folder, { recursive: true }));

let made = 0;
/** A data set from file contents by name. */
async function dataset(files: Readonly<Record<string, Uint8Array | string>>): Promise<Dataset> {
  const root = join(folder, `set-${made++}`);
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), content);
  }
  return openDataset(root);
}

const picture = (i: number): Uint8Array => pictures[i] ?? new Uint8Array();

/** Two classes of 20 images each. */
const twoClasses = (): Record<string, Uint8Array | string> =>
  Object.fromEntries(
    Array.from({ length: 40 }, (_, i) => [`${i < 20 ? "cat" : "dog"}/${i}.png`, picture(i)] as const),
  );

const partOf = (record: SplitRecord, path: string) => record.items.find((item) => item.path === path)?.split;

describe("a split", () => {
  it("keeps classes' shares, depends on the seed alone, and is written and read back", async () => {
    const set = await dataset(twoClasses());
    const record = await splitDataset(set, { seed: 3 });
    expect([...splitCounts(record)]).toEqual([
      ["train", [14, 14]],
      ["validation", [2, 2]],
      ["test", [4, 4]],
    ]);
    expect(record.decidedBy).toBe("seed");
    expect(await splitDataset(set, { seed: 3 })).toEqual(record);
    expect((await splitDataset(set, { seed: 4 })).items).not.toEqual(record.items);
    const text = writeSplits(record);
    expect(text).not.toContain(folder);
    expect(readSplits(text, "splits.json")).toEqual(record);
    const path = join(folder, "splits.json");
    writeFileSync(path, text);
    const parts = itemsOfSplits(await openSplits(path), set);
    expect(parts.test.map(({ label }) => label).sort()).toEqual([0, 0, 0, 0, 1, 1, 1, 1]);
    expect(parts.train[0]?.path).toBe(join(set.root, parts.train[0]?.name ?? ""));
  });

  it("never parts a group nor copies of a file, whatever the groups are", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ content: fc.nat(11), group: fc.option(fc.nat(6)) }), {
          minLength: 14,
          maxLength: 30,
        }),
        fc.nat(),
        async (list, seed) => {
          const rows = list.map(({ group }, i) => `${i % 2 === 0 ? "a" : "b"}/${i}.png,${group ?? ""}`);
          const set = await dataset({
            ...Object.fromEntries(
              list.map(
                ({ content }, i) => [`${i % 2 === 0 ? "a" : "b"}/${i}.png`, picture(content)] as const,
              ),
            ),
            "groups.csv": `path,group\n${rows.join("\n")}\n`,
          });
          // With so few groups a class may be left out of training, which is refused.
          const record = await splitDataset(set, { seed }).catch((error: Error) => {
            expect(error.message).toMatch(/is left for training/);
            return undefined;
          });
          if (!record) return;
          expect(record.items).toHaveLength(list.length);
          const parts = new Map<string, string>();
          for (const { path, split } of record.items) {
            const { content, group } = list[Number(/\d+/.exec(path)?.[0])] ?? { content: 0, group: null };
            for (const key of [`content ${content}`, ...(group === null ? [] : [`group ${group}`])]) {
              expect(split, key).toBe(parts.get(key) ?? split);
              parts.set(key, split);
            }
          }
        },
      ),
      { numRuns: 40 },
    );
  });

  it("sets aside what cannot be read and what has no label, with the reason and without a path of this machine", async () => {
    const set = await dataset({
      ...twoClasses(),
      "cat/empty.png": "",
      "dog/words.jpg": "no picture at all",
      "dog/.hidden.jpg": "x",
    });
    const record = await splitDataset(set, { seed: 1 });
    expect(record.items).toHaveLength(40);
    expect(record.setAside).toEqual([
      { path: "dog/.hidden.jpg", reason: "hidden file" },
      { path: "cat/empty.png", reason: "cat/empty.png is empty (0 bytes)." },
      { path: "dog/words.jpg", reason: expect.stringMatching(/^dog\/words\.jpg is no image/) },
    ]);
    expect(record.warnings).toContain("2 images cannot be read and were set aside");
  });

  it("tells of sizes that go with the class and of related images", async () => {
    const large = await rgbPng({ data: new Uint8Array(12), width: 2, height: 2 });
    const set = await dataset({ ...twoClasses(), "cat/large.png": large, "cat/copy.png": picture(3) });
    const { warnings } = await splitDataset(set, { seed: 1 });
    expect(warnings.join("\n")).toMatch(/1 of 42 images are not 1×1 \(cat 1, 4\.5 % of it\)/);
    expect(warnings.join("\n")).toMatch(/1 group of related images \(2 images\)/);
  });

  it("needs two classes, each with an image for training", async () => {
    await expect(splitDataset(await dataset({ "a/1.png": picture(1) }), { seed: 1 })).rejects.toThrow(
      /images of one class alone \(a\); a classifier needs at least two/,
    );
    const set = await dataset({
      "manifest.csv": "path,label,split\n1.png,a,train\n2.png,b,test\n3.png,a,val\n",
      "1.png": picture(1),
      "2.png": picture(2),
      "3.png": picture(3),
    });
    await expect(splitDataset(set, { seed: 1 })).rejects.toThrow(/No image of "b" is left for training/);
  });
});

describe("a data set's own split", () => {
  const manifest = (split: (i: number) => string): string =>
    `path,label,split\n${Array.from({ length: 40 }, (_, i) => `${i}.png,${i % 2 ? "a" : "b"},${split(i)}`).join("\n")}\n`;
  const files = (text: string, copies: Readonly<Record<number, number>> = {}) => ({
    ...Object.fromEntries(
      Array.from({ length: 40 }, (_, i) => [`${i}.png`, picture(copies[i] ?? i)] as const),
    ),
    "manifest.csv": text,
  });
  const thirds = (i: number) => (i < 20 ? "Training" : i < 30 ? "valid" : "test");

  it("is kept, by whatever name its parts go", async () => {
    const record = await splitDataset(await dataset(files(manifest(thirds))), { seed: 1 });
    expect(record.decidedBy).toBe("data set");
    expect([...splitCounts(record)]).toEqual([
      ["train", [10, 10]],
      ["validation", [5, 5]],
      ["test", [5, 5]],
    ]);
  });

  it("is filled up from its train part where one is lacking", async () => {
    const record = await splitDataset(await dataset(files(manifest((i) => (i < 30 ? "train" : "test")))), {
      seed: 1,
    });
    expect(record.decidedBy).toBe("data set and seed");
    expect(record.items.filter(({ split }) => split === "test").map(({ path }) => path)).toEqual(
      Array.from({ length: 10 }, (_, i) => `${i + 30}.png`),
    );
    expect(splitCounts(record).get("validation")).toEqual([2, 2]);
    expect(record.warnings).toContain("the data set has no validation split: taken from its train split");
  });

  it("loses for training what the test part has too", async () => {
    const record = await splitDataset(await dataset(files(manifest(thirds), { 4: 35, 25: 35 })), { seed: 1 });
    expect(partOf(record, "35.png")).toBe("test");
    expect(partOf(record, "4.png")).toBeUndefined();
    expect(record.setAside.map(({ path }) => path)).toEqual(["4.png", "25.png"]);
    expect(record.setAside[0]?.reason).toBe("the same as or related to 35.png, which is in test");
  });

  it("must be complete and have names that are known", async () => {
    await expect(
      splitDataset(await dataset(files(manifest((i) => (i === 7 ? "" : "train")))), { seed: 1 }),
    ).rejects.toThrow(/1 of 40 images have no split in the manifest, 7\.png for one/);
    await expect(splitDataset(await dataset(files(manifest(() => "fold-1"))), { seed: 1 })).rejects.toThrow(
      /split "fold-1"; the splits are called train, val/,
    );
  });
});

describe("images that look almost alike", () => {
  /** Blotches: two numbers give two pictures that have nothing in common. */
  const blotches = async (i: number): Promise<Buffer> => {
    const next = uniform(i + 1);
    const small = Uint8Array.from({ length: 3 * 81 }, () => Math.floor(256 * next()));
    return sharp(small, { raw: { width: 9, height: 9, channels: 3 } })
      .resize(72, 72)
      .png()
      .toBuffer();
  };
  const own = async (): Promise<Record<string, Uint8Array>> =>
    Object.fromEntries(
      await Promise.all(
        Array.from(
          { length: 40 },
          async (_, i) => [`${i < 20 ? "a" : "b"}/${i}.png`, await blotches(i)] as const,
        ),
      ),
    );
  const copied = async (): Promise<Record<string, Uint8Array>> => {
    const copies: Record<string, Uint8Array> = {};
    for (const i of [3, 8, 15, 22, 30, 37]) {
      const label = i < 20 ? "a" : "b";
      copies[`${label}/${i}-again.jpg`] = await sharp(await blotches(i))
        .jpeg({ quality: 60 })
        .toBuffer();
      copies[`${label}/${i}-mirrored.png`] = await sharp(await blotches(i))
        .flop()
        .resize(50, 50)
        .png()
        .toBuffer();
    }
    return copies;
  };
  const numberOf = (path: string): string => /\d+/.exec(path)?.[0] ?? "";

  it("are all in one part, and named in the record with what is told of them", async () => {
    const set = await dataset({ ...(await own()), ...(await copied()) });
    for (let seed = 0; seed < 4; seed++) {
      const record = await splitDataset(set, { seed });
      const parts = new Map<string, string>();
      for (const { path, split } of record.items) {
        expect(split, path).toBe(parts.get(numberOf(path)) ?? split);
        parts.set(numberOf(path), split);
      }
      expect(record.items).toHaveLength(52);
      expect(record.nearDuplicates).toHaveLength(18);
      for (const [a, b] of record.nearDuplicates ?? []) expect(numberOf(a)).toBe(numberOf(b));
      expect(record.warnings.join("\n")).toMatch(
        /18 images that look almost alike \(6 groups\) are kept together/,
      );
      expect(readSplits(writeSplits(record), "s.json")).toEqual(record);
    }
  });

  it("may be left alone, and the split is then that of other images too", async () => {
    const set = await dataset({ ...(await own()), ...(await copied()) });
    const asked = new Set<boolean | undefined>();
    const { nearDuplicates, items, warnings } = await splitDataset(set, {
      seed: 0,
      nearDuplicates: "ignore",
      look: (path, wanted) => {
        asked.add(wanted?.fingerprint);
        return lookAt(path, wanted);
      },
    });
    expect([...asked]).toEqual([false]);
    expect(nearDuplicates).toBeUndefined();
    expect(items.every(({ group }) => group === undefined)).toBe(true);
    expect(warnings.join()).not.toMatch(/alike/);
    const unlike = await dataset(await own());
    const looked = await splitDataset(unlike, { seed: 0 });
    expect(looked.nearDuplicates).toEqual([]);
    expect(looked.items).toEqual((await splitDataset(unlike, { seed: 0, nearDuplicates: "ignore" })).items);
  });

  it("are not learnt from where the data set's own split tests on their like", async () => {
    const files = { ...(await own()), "b/3-again.jpg": (await copied())["a/3-again.jpg"] ?? "" };
    const rows = Object.keys(files).map(
      (name) =>
        `${name},${name[0]},${name === "b/3-again.jpg" ? "test" : (["train", "val", "test"][Number(numberOf(name)) % 3] ?? "")}`,
    );
    const set = await dataset({ ...files, "manifest.csv": `path,label,split\n${rows.join("\n")}\n` });
    const record = await splitDataset(set, { seed: 0 });
    expect(record.setAside).toEqual([
      { path: "a/3.png", reason: "the same as or related to b/3-again.jpg, which is in test" },
    ]);
  });
});

it("damaged pictures show their damage when decoded, not here", async () => {
  const set = await dataset(twoClasses());
  const photograph = fileURLToPath(
    new URL("../../../../test/fixtures/imaging/baseline-420.jpg", import.meta.url),
  );
  copyFileSync(photograph, join(set.root, "cat/cut.jpg"));
  truncateSync(join(set.root, "cat/cut.jpg"), 3000);
  const record = await splitDataset(await openDataset(set.root), { seed: 1 });
  expect(partOf(record, "cat/cut.jpg")).toBeDefined();
});
