import { resolve } from "node:path";
import { describe, expect, it } from "vitest";
import type { NodeModel } from "../api/node/node-model.js";
import { type ImageList, labelReader, preparationWarnings } from "./images.js";

const facts = (labels: Readonly<Record<string, string>>) =>
  new Map(Object.entries(labels).map(([path, label]) => [resolve(path), { label }]));

describe("how pictures are prepared", () => {
  it("is warned of only where there are pictures", () => {
    const model = { warnings: ["a guess"] } as unknown as NodeModel;
    const list = (...paths: readonly string[]): ImageList => {
      const files = paths.map((path) => [{ path, name: path, stem: path }]);
      return { files, count: files.length, failed: [], notes: [], facts: new Map() };
    };
    expect(preparationWarnings(model, list("a.npy", "b.NPY"))).toEqual([]);
    expect(preparationWarnings(model, list("a.npy", "b.png"))).toEqual(["a guess"]);
  });
});

describe("the true class of an image", () => {
  it("is what a data set says, or else the name of its folder", () => {
    const labelOf = labelReader(facts({ "x/1.png": "dog" }), ["cat", "dog"]);
    expect(labelOf("x/1.png")).toBe(1);
    expect(labelOf("cat/2.png")).toBe(0);
    expect(labelOf("elsewhere/2.png")).toBeUndefined();
  });

  it("is the nearest folder's where a data set's own is no class of the model", () => {
    const labelOf = labelReader(facts({ "pbc/monocyte/1.png": "pbc" }), ["monocyte", "other"]);
    expect(labelOf("pbc/monocyte/1.png")).toBe(0);
  });

  it("is none of a thousand classes for a folder that has a number for a name", () => {
    const numbers = Array.from({ length: 1000 }, (_, i) => String(i));
    expect(labelReader(new Map(), numbers)("224/1.png")).toBeUndefined();
    expect(
      labelReader(facts({ "224/1.png": "224", "notes/2.png": "notes" }), numbers)("224/1.png"),
    ).toBeUndefined();
  });

  it("is a number where all of a data set's classes are, and the model has them", () => {
    const labelOf = labelReader(facts({ "0/1.png": "0", "1/2.png": "1" }), ["cat", "dog"]);
    expect([labelOf("0/1.png"), labelOf("1/2.png")]).toEqual([0, 1]);
    const tooMany = labelReader(facts({ "0/1.png": "0", "7/2.png": "7" }), ["cat", "dog"]);
    expect(tooMany("0/1.png")).toBeUndefined();
  });
});
