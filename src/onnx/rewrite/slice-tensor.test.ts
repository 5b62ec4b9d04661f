import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { float32Tensor, stringTensor, tensorToNumbers } from "../tensor.js";
import { sliceTensor } from "./slice-tensor.js";

const tensor = float32Tensor(
  [3, 4, 5],
  Array.from({ length: 60 }, (_, i) => i),
);

describe("a part of a constant", () => {
  it("holds the elements of its box in order", () => {
    const range = (extent: number) =>
      fc
        .tuple(fc.nat(extent - 1), fc.nat(extent - 1))
        .map(([a, b]) => [Math.min(a, b), Math.max(a, b) + 1] as const);
    fc.assert(
      fc.property(range(3), range(4), range(5), (a, b, c) => {
        const expected: number[] = [];
        for (let i = a[0]; i < a[1]; i++)
          for (let j = b[0]; j < b[1]; j++)
            for (let k = c[0]; k < c[1]; k++) expected.push(i * 20 + j * 5 + k);
        const part = sliceTensor(tensor, [a, b, c]);
        expect(part && tensorToNumbers(part)).toEqual(expected);
        expect(part?.dims).toEqual([a[1] - a[0], b[1] - b[0], c[1] - c[0]]);
      }),
    );
  });

  it("is a view where it is consecutive in memory", () => {
    expect(sliceTensor(tensor, [[1, 2], null, null])?.bytes.buffer).toBe(tensor.bytes.buffer);
    expect(sliceTensor(tensor, [null, null, [0, 1]])?.bytes.buffer).not.toBe(tensor.bytes.buffer);
  });

  it("is not taken of strings", () => {
    expect(sliceTensor(stringTensor([2], ["a", "b"]), [[0, 1]])).toBeUndefined();
  });
});
