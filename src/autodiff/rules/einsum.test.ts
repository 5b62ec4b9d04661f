import { describe, expect, it } from "vitest";
import { string } from "../../onnx/attributes.js";
import { parseEquation } from "../../onnx/einsum.js";
import { checkGradient, gradientError } from "../testing/finite-differences.js";

const EXTENTS: Readonly<Record<string, number>> = { a: 2, b: 2, h: 2, i: 3, j: 2, k: 3, d: 2 };

const shapeOf = (term: string): number[] => [...term].map((label) => EXTENTS[label] ?? 1);

describe("the gradient of Einsum", () => {
  for (const equation of [
    "ij,jk->ik",
    "bhid,bhjd->bhij",
    "bhij,bhjd->bihd",
    "bij,kj->bik",
    "bi,bi->b",
    "i,j->ij",
    "bij->bji",
    "bij->b",
    "bij,bk->bk",
    "ij,jk",
    "ab,bh,hd->ad",
  ]) {
    it(equation, () =>
      checkGradient({
        shapes: parseEquation(equation).inputs.map(shapeOf),
        body: (g, x) => g.add("Einsum", x, { equation: string(equation) }),
      }),
    );
  }

  it("is refused with an ellipsis", async () => {
    const batched = gradientError({
      shapes: [[2, 3], [3]],
      body: (g, x) => g.add("Einsum", x, { equation: string("...i,i->...") }),
    });
    await expect(batched).rejects.toThrow(/Einsum.*ellipsis/);
  });

  it("is refused on a diagonal", async () => {
    const diagonal = gradientError({
      shapes: [[3, 3]],
      body: (g, x) => g.add("Einsum", x, { equation: string("ii->i") }),
    });
    await expect(diagonal).rejects.toThrow(/Einsum.*occurs twice/);
  });
});
