import { describe, expect, it } from "vitest";
import { classesFor, classifierNote } from "./classes.js";

const told = (asked: readonly string[], own: readonly string[] | undefined, count: number): string =>
  classifierNote(classesFor(asked, own, count), count);

describe("a checkpoint's classifier", () => {
  it("is kept for the same classes, and for as many where it has not named its own", () => {
    expect(told(["a", "b"], ["a", "b"], 2)).toBe("The checkpoint's classifier of 2 classes is kept.");
    expect(told(["a", "b"], ["LABEL_0", "LABEL_1"], 2)).toMatch(/is kept/);
  });

  it("makes place for a new one for other classes", () => {
    expect(told(["a", "b"], ["a", "c"], 2)).toBe(
      "A new classifier of 2 classes takes the place of the checkpoint's of 2.",
    );
    expect(told(["a", "b"], undefined, 0)).toBe("A new classifier of 2 classes was added.");
  });

  it("is said to have the same classes where only their order is another", () => {
    expect(told(["a", "b"], ["b", "a"], 2)).toMatch(
      /takes the place of the checkpoint's of 2, whose classes are the same in another order \(b, a\); in that order it would be kept\.$/,
    );
  });
});
