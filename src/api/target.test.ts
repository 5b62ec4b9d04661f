import { describe, expect, it } from "vitest";
import { classIndex, parseTarget, seedOf } from "./target.js";

const labels = ["benign", "malignant", "well-formed", "A-B", "3-5", "X", "x"];

describe("what is explained, as it is written", () => {
  it("is the top class, the true class, a number or a name", () => {
    expect(parseTarget("top", labels)).toBe("top");
    expect(parseTarget("true", labels)).toBe("true");
    expect(parseTarget("1", labels)).toBe(1);
    expect(parseTarget("malignant", labels)).toBe(1);
    expect(parseTarget("Malignant", labels)).toBe(1);
  });

  it("is one class against another, also where names hold dashes", () => {
    expect(parseTarget("malignant-benign", labels)).toEqual({ plus: 1, minus: 0 });
    expect(parseTarget("1-0", labels)).toEqual({ plus: 1, minus: 0 });
    expect(parseTarget("well-formed-benign", labels)).toEqual({ plus: 2, minus: 0 });
    expect(parseTarget("benign-well-formed", labels)).toEqual({ plus: 0, minus: 2 });
    expect(parseTarget("A-B-well-formed", labels)).toEqual({ plus: 3, minus: 2 });
  });

  it("is a whole label before it is a difference or a number", () => {
    expect(parseTarget("A-B", labels)).toBe(3);
    expect(parseTarget("3-5", labels)).toBe(4);
    expect(parseTarget("2", ["a", "2", "c"])).toBe(1);
  });

  it("is refused in a model without classes, but for the predicted one, which nobody asks for", () => {
    expect(() => parseTarget("0", [])).toThrow(/gives features and no class scores.*--head FILE/);
    expect(parseTarget("top", [])).toBe("top");
  });

  it("is refused where there is no such class, with those there are", () => {
    expect(() => parseTarget("7", labels)).toThrow(
      /no class "7"; it has 7 classes, 0 to 6: benign, malignant/,
    );
    expect(() => parseTarget("-1", labels)).toThrow(/no class/);
    expect(() => parseTarget("", labels)).toThrow(/no class/);
    expect(() => parseTarget("1.5", labels)).toThrow(/no class/);
    expect(() => parseTarget("benign-benign", labels)).toThrow(/against itself/);
    // Case is ignored only where that is unambiguous.
    expect(classIndex("X", labels)).toBe(5);
    expect(classIndex(" x ", labels)).toBeUndefined();
  });
});

describe("the gradient's seed", () => {
  it("is 1 at the class, and -1 at the class it is held against", () => {
    expect([...seedOf(1, 3)]).toEqual([0, 1, 0]);
    expect([...seedOf({ plus: 2, minus: 0 }, 3)]).toEqual([-1, 0, 1]);
  });

  it("exists only for the model's classes", () => {
    for (const target of [3, -1, 0.5, { plus: 0, minus: 3 }])
      expect(() => seedOf(target, 3)).toThrow(/no class/);
  });
});
