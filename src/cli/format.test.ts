import { describe, expect, it } from "vitest";
import { formatBytes, formatDuration, percent, plural, shortNames, table } from "./format.js";

describe("numbers as people read them", () => {
  it("durations", () => {
    expect([0, 59.4, 60, 125, 3600, 4325].map(formatDuration)).toEqual([
      "0 s",
      "59 s",
      "1 min 00 s",
      "2 min 05 s",
      "1 h 00 min",
      "1 h 12 min",
    ]);
  });

  it("bytes", () => {
    expect([0, 1, 1000, 999_999, 1.25e6, 87e6, 4.4e9, 3e15].map(formatBytes)).toEqual([
      "0 kB",
      "1 kB",
      "1 kB",
      "1000 kB",
      "1.3 MB",
      "87 MB",
      "4.4 GB",
      "3000 TB",
    ]);
  });

  it("shares and counts", () => {
    expect(percent(0.93123)).toBe("93.1%");
    expect([plural(1, "image"), plural(2, "image"), plural(2, "pass", "passes")]).toEqual([
      "1 image",
      "2 images",
      "2 passes",
    ]);
  });
});

describe("tables", () => {
  it("align words to the left and numbers to the right", () => {
    expect(
      table([
        ["map", "auc", "n"],
        ["grad-cam", "0.5 [0.4, 0.6]", "12"],
        ["x", "–", "3"],
      ]),
    ).toBe(
      ["map                  auc   n", "grad-cam  0.5 [0.4, 0.6]  12", "x                      –   3"].join(
        "\n",
      ),
    );
  });
});

describe("names that hold control characters", () => {
  it("stay on their line of a table", () => {
    expect(table([["class"], ["new\nline\t"], ["ok"]])).toBe("class\nnew\\nline\\u0009\nok");
  });
});

describe("names without what all have in common", () => {
  it("keep what tells them apart", () => {
    expect(shortNames(["/a/b/x/1.png", "/a/b/y/1.png"])).toEqual(["x/1.png", "y/1.png"]);
    expect(shortNames(["/a/b/1.png"])).toEqual(["1.png"]);
    expect(shortNames(["1.png", "a/1.png"])).toEqual(["1.png", "a/1.png"]);
    expect(shortNames(["a/1.png", "ab/1.png"])).toEqual(["a/1.png", "ab/1.png"]);
    expect(shortNames([])).toEqual([]);
  });
});
