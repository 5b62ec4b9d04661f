import { describe, expect, it } from "vitest";
import { checkLabels, labelsFromJson, labelsFromText, numberedLabels } from "./labels.js";

describe("class names", () => {
  it("are read from a list, id2label, label_names and an object of numbers", () => {
    const names = ["cat", "dog"];
    expect(labelsFromJson(names)).toEqual(names);
    expect(labelsFromJson({ id2label: { 1: "dog", 0: "cat" } })).toEqual(names);
    expect(labelsFromJson({ architecture: "x", label_names: names })).toEqual(names);
    expect(labelsFromJson({ 0: "cat", 1: "dog" })).toEqual(names);
  });

  it("are not made up from something else", () => {
    for (const value of [
      null,
      3,
      "cat",
      {},
      { a: 1 },
      { 0: "cat", 2: "dog" },
      { 0: 1 },
      [1, 2],
      { id2label: {} },
    ]) {
      expect(labelsFromJson(value)).toBeUndefined();
    }
  });

  it("are read from lines, with spaces in names, whatever the line ends are", () => {
    expect(labelsFromText("\uFEFFcat\r\nblack dog\r\n\r\n", "n.txt")).toEqual(["cat", "black dog"]);
  });

  it("are refused with the file's name where it holds none", () => {
    expect(() => labelsFromText("", "n.txt")).toThrow(/n\.txt is empty/);
    expect(() => labelsFromText("{broken", "n.json")).toThrow(/n\.json is no valid JSON/);
    expect(() => labelsFromText('{"a": 1}', "n.json")).toThrow(/n\.json holds no class names/);
  });

  it("must be as many as the model's classes", () => {
    expect(checkLabels(["a", "b"], 2, "n.txt")).toEqual(["a", "b"]);
    expect(() => checkLabels(["a"], 2, "n.txt")).toThrow(/n\.txt names 1 class, but the model has 2/);
    expect(numberedLabels(3)).toEqual(["0", "1", "2"]);
  });
});
