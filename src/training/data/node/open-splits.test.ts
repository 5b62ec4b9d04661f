import { describe, expect, it } from "vitest";
import type { Dataset } from "../../../datasets/dataset.js";
import { readSplits, type SplitRecord, writeSplits } from "../splits.js";
import { itemsOfSplits, openSplits } from "./open-splits.js";

const record: SplitRecord = {
  version: 1,
  dataset: { name: "animals", layout: "class-folders" },
  decidedBy: "seed",
  seed: 1,
  fractions: { train: 0.5, validation: 0.25, test: 0.25 },
  // Not in the order of their names: class numbers are those of the record.
  classes: ["dog", "cat"],
  items: [
    { path: "cat/0.png", label: "cat", split: "train" },
    { path: "dog/0.png", label: "dog", group: "g", split: "train" },
    { path: "cat/1.png", label: "cat", split: "validation" },
    { path: "dog/1.png", label: "dog", split: "test" },
  ],
  setAside: [],
  warnings: [],
};

const dataset = (...names: readonly string[]): Dataset => ({
  name: "animals",
  layout: "class-folders",
  root: "/there",
  classes: ["cat", "dog"],
  items: names.map((name) => ({ name, path: `/there/${name}`, label: name.slice(0, 3) })),
  skipped: [],
  notes: [],
});

const read = (changed: Partial<SplitRecord>) => () =>
  readSplits(writeSplits({ ...record, ...changed }), "s.json");
const [first] = record.items as [SplitRecord["items"][number]];

describe("a record of a split", () => {
  it("gives the images of each part, where they are, by the numbers of its classes", () => {
    expect(read({})()).toEqual(record);
    const all = dataset("cat/0.png", "cat/1.png", "cat/2.png", "dog/0.png", "dog/1.png");
    expect(itemsOfSplits(record, all)).toEqual({
      train: [
        { name: "cat/0.png", path: "/there/cat/0.png", label: 1 },
        { name: "dog/0.png", path: "/there/dog/0.png", label: 0 },
      ],
      validation: [{ name: "cat/1.png", path: "/there/cat/1.png", label: 1 }],
      test: [{ name: "dog/1.png", path: "/there/dog/1.png", label: 0 }],
    });
  });

  it("is refused when it is none, or contradicts itself", async () => {
    expect(() => readSplits("{", "s.json")).toThrow(/s\.json is not JSON/);
    expect(() => readSplits("{}", "s.json")).toThrow(/s\.json is no record of a split: version/);
    expect(read({ items: [first, first] })).toThrow(/names cat\/0\.png twice/);
    expect(read({ classes: ["cat", "dog", "cat"] })).toThrow(/names the class "cat" twice/);
    expect(read({ items: [{ ...first, label: "cow" }] })).toThrow(
      /of the class "cow", which is not among the classes/,
    );
    await expect(openSplits("/nowhere/none.json")).rejects.toThrow(/none\.json does not exist/);
  });

  it("is refused for another data set, and where an image has another label or none", () => {
    const mixed = { ...record, items: [{ ...first, label: "dog" }] };
    expect(() => itemsOfSplits(mixed, dataset("cat/0.png"))).toThrow(/"dog" in the split and is "cat" in/);
    const bare = dataset("cat/0.png");
    const unlabelled = { ...bare, items: bare.items.map(({ label: _, ...item }) => item) };
    expect(() => itemsOfSplits({ ...record, items: [first] }, unlabelled)).toThrow(/has no label in \/there/);
    expect(() => itemsOfSplits(record, bare)).toThrow(
      /3 images of the split are not in .*; is it the data set/,
    );
    expect(() => itemsOfSplits(record, dataset("cat/0.png", "cat/1.png", "dog/0.png"))).toThrow(
      /1 image of the split is not in/,
    );
  });
});
