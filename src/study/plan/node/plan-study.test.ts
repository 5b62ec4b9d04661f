import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import sharp from "sharp";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { writeSplits } from "../../../training/data/splits.js";
import type { StudyDataset, StudyDeclaration } from "../../types.js";
import { planStudy } from "./plan-study.js";

let root = "";
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "vitreous-plan-"));
});
afterEach(() => rm(root, { recursive: true, force: true }));

/** Grey pictures of different brightness, by name; text instead of a picture where a string is given. */
async function put(files: Readonly<Record<string, number | string>>): Promise<void> {
  for (const [name, content] of Object.entries(files)) {
    const path = join(root, name);
    await mkdir(dirname(path), { recursive: true });
    if (typeof content === "string") await writeFile(path, content);
    else {
      const background = { r: content, g: content, b: content };
      await sharp({ create: { width: 4, height: 4, channels: 3, background } })
        .png()
        .toFile(path);
    }
  }
}

const range = (n: number): readonly number[] => Array.from({ length: n }, (_, i) => i);
const pictures = (folder: string, n: number, from = 0) =>
  Object.fromEntries(range(n).map((i) => [`${folder}/${i}.png`, from + i]));

function declared(
  dataset: Partial<StudyDataset> = {},
  study: Partial<StudyDeclaration> = {},
): StudyDeclaration {
  return {
    title: "A study",
    seed: 1,
    datasets: [
      {
        id: "d",
        title: "D",
        path: root,
        split: null,
        splits: null,
        images: null,
        select: "stratified",
        ...dataset,
      },
    ],
    models: [],
    methods: [],
    metrics: [],
    class: "top",
    controls: [],
    statistics: { level: 0.95, resamples: 1000, test: "wilcoxon", alpha: 0.05, power: 0.8 },
    report: { gallery: 4, misclassified: 4 },
    run: { device: "cpu", batch: 8, unit: 4 },
    ...study,
  };
}

async function chosen(dataset: Partial<StudyDataset> = {}, study: Partial<StudyDeclaration> = {}) {
  const plan = await planStudy(declared(dataset, study));
  const [planned] = plan.datasets;
  return { ...plan, planned, names: (planned?.images ?? []).map(({ name }) => name) };
}

const classOf = (name: string): string => name.split("/")[0] ?? "";

describe("the images of a study", () => {
  it("are equally many of each class, as far as there are any", async () => {
    await put({ ...pictures("a", 9), ...pictures("b", 2, 100), ...pictures("c", 9, 200) });
    const { names } = await chosen({ images: 10 });
    const count = (label: string) => names.filter((name) => classOf(name) === label).length;
    expect([count("a"), count("b"), count("c")]).toEqual([4, 2, 4]);
  });

  it("begin with the same ones when there are more of them", async () => {
    await put({ ...pictures("a", 9), ...pictures("b", 9, 100) });
    for (const select of ["stratified", "random", "order"] as const) {
      const all = (await chosen({ select })).names;
      expect(all).toHaveLength(18);
      for (const images of [1, 5, 12])
        expect((await chosen({ select, images })).names).toEqual(all.slice(0, images));
    }
  });

  it("follow from the seed, and an image more in the folder moves no other", async () => {
    await put({ ...pictures("a", 12), ...pictures("b", 12, 100) });
    const before = (await chosen()).names;
    expect((await chosen({}, { seed: 2 })).names).not.toEqual(before);
    await put({ "a/new.png": 50 });
    const after = (await chosen()).names;
    expect(after).toHaveLength(25);
    const of = (label: string, names: readonly string[]) =>
      names.filter((name) => classOf(name) === label && name !== "a/new.png");
    for (const label of ["a", "b"]) expect(of(label, after)).toEqual(of(label, before));
  });

  it("come in natural order on request", async () => {
    await put({ "10.png": 1, "9.png": 2, "1.png": 3 });
    expect((await chosen({ select: "order" })).names).toEqual(["1.png", "9.png", "10.png"]);
  });

  it("come in chunks of the declared size, the last one shorter", async () => {
    await put(pictures("a", 9));
    const { planned } = await chosen();
    expect(planned?.chunks.map((chunk) => chunk.length)).toEqual([4, 4, 1]);
    expect(planned?.chunks.flat()).toEqual(planned?.images);
  });

  it("are known by their bytes, their class and their group", async () => {
    await put({
      "a/1.png": 1,
      "a/2.png": 2,
      "b/3.png": 1,
      "b/4.png": 4,
      "groups.csv": "path,group\na/2.png,7\nb/4.png,7\n",
    });
    const { planned } = await chosen({ select: "order" });
    const [one, two, three, four] = planned?.images ?? [];
    expect(one?.sha256).toMatch(/^[0-9a-f]{64}$/);
    expect(one?.sha256).toBe(three?.sha256);
    expect([one?.label, three?.label]).toEqual(["a", "b"]);
    // Same bytes are one group; what the data set says keeps its name; nobody else is in either.
    expect([one?.group, two?.group, three?.group, four?.group]).toEqual(["a/1.png", "7", "a/1.png", "7"]);
  });
});

describe("an image that cannot be read", () => {
  it("is named with its reason, and the next of its class is taken", async () => {
    await put({ ...pictures("a", 6), ...pictures("b", 6, 100) });
    const [first = "", second = "", third = ""] = (await chosen()).names;
    await put({ [first]: "no image" });
    const { names, failures } = await chosen({ images: 2 });
    expect(names[0]).toBe(third);
    expect(names[1]).toBe(second);
    expect(failures).toEqual([
      {
        dataset: "d",
        image: first,
        model: null,
        method: null,
        reason: expect.stringContaining("is no image"),
      },
    ]);
    expect(failures[0]?.reason).not.toContain(root);
  });

  it("is found where only its end is missing", async () => {
    await put(pictures("a", 2));
    const noise = Buffer.from(range(64 * 64 * 3).map((i) => (i * i * 31) % 251));
    const whole = await sharp(noise, { raw: { width: 64, height: 64, channels: 3 } })
      .jpeg()
      .toBuffer();
    await writeFile(join(root, "a", "cut.jpg"), whole.subarray(0, whole.length / 2));
    const { names, failures } = await chosen();
    expect(names).toHaveLength(2);
    expect(failures.map(({ image }) => image)).toEqual(["a/cut.jpg"]);
  });

  it("says nothing of what was not needed", async () => {
    await put({ ...pictures("a", 6) });
    const last = (await chosen()).names.at(-1) ?? "";
    await put({ [last]: "no image" });
    expect((await chosen({ images: 3 })).failures).toEqual([]);
  });

  it("ends the plan where there is no other", async () => {
    await put({ "a/1.png": "x", "a/2.png": "y" });
    await expect(chosen()).rejects.toThrow(/none of 2 images can be read/);
  });
});

describe("a part of a data set", () => {
  const manifest = "path,label,split\n1.png,a,train\n2.png,a,test\n3.png,b,val\n4.png,b,Test\n";

  it("is what the data set's own column says, by any of its usual names", async () => {
    await put({ "1.png": 1, "2.png": 2, "3.png": 3, "4.png": 4, "manifest.csv": manifest });
    const inPart = async (split: string) => (await chosen({ split, select: "order" })).names;
    expect(await inPart("test")).toEqual(["2.png", "4.png"]);
    expect(await inPart("validation")).toEqual(["3.png"]);
    await expect(inPart("holdout")).rejects.toThrow(
      /no image in the split "holdout"; its splits are train, test, val/,
    );
  });

  it("is what the record of a fine-tuning says", async () => {
    await put({ "a/1.png": 1, "a/2.png": 2, "b/3.png": 3 });
    const record = (
      items: readonly { path: string; label: string; group?: string; split: "train" | "test" }[],
    ) =>
      writeSplits({
        version: 1,
        dataset: { name: "D", layout: "class-folders" },
        decidedBy: "seed",
        seed: 0,
        fractions: { train: 0.7, validation: 0.1, test: 0.2 },
        classes: ["a", "b"],
        items: [...items],
        setAside: [],
        warnings: [],
      });
    const splits = join(root, "splits.json");
    await writeFile(
      splits,
      record([
        { path: "a/1.png", label: "a", split: "train" },
        { path: "a/2.png", label: "a", group: "g", split: "test" },
      ]),
    );
    const { names, planned } = await chosen({ split: "test", splits });
    expect(names).toEqual(["a/2.png"]);
    expect(planned?.images[0]?.group).toBe("g");
    await writeFile(splits, record([{ path: "a/9.png", label: "a", split: "test" }]));
    await expect(chosen({ split: "test", splits })).rejects.toThrow(/1 of 1 images .* a\/9\.png for one/);
    await expect(chosen({ split: "train", splits })).rejects.toThrow(
      /no image in "train"; its parts are test/,
    );
  });

  it("cannot be taken where nothing says which images are in it", async () => {
    await put(pictures("a", 2));
    await expect(chosen({ split: "test" })).rejects.toThrow(/splits\.json/);
  });
});

describe("the true class", () => {
  it("leaves images without a label out, and needs at least one", async () => {
    await put({ "1.png": 1, "2.png": 2, "manifest.csv": "path,label\n1.png,a\n2.png,\n" });
    const { names, planned } = await chosen({}, { class: "true" });
    expect(names).toEqual(["1.png"]);
    expect(planned?.notes.join()).toMatch(/1 images without a label/);
    await put({ "manifest.csv": "path,label\n1.png,\n2.png,\n" });
    await expect(chosen({}, { class: "true" })).rejects.toThrow(/needs labelled images/);
  });
});

it("tells how far it is, and ends when it is told to", async () => {
  await put(pictures("a", 5));
  const told: unknown[] = [];
  await planStudy(declared({ images: 2 }), { onProgress: (...progress) => told.push(progress) });
  expect(told).toEqual([
    [1, 2, "d"],
    [2, 2, "d"],
  ]);
  await expect(planStudy(declared(), { signal: AbortSignal.abort(new Error("stop")) })).rejects.toThrow(
    "stop",
  );
});
