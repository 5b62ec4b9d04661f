import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  collapse,
  combine,
  concat,
  expand,
  fromData,
  type IndexTensor,
  reduce,
  slice,
  take,
  toArray,
  transpose,
} from "./index-tensor.js";
import { reshape } from "./reshape.js";

const size = (dims: readonly number[]): number => dims.reduce((p, d) => p * d, 1);

/** A tensor whose content repeats along some axes, held with stride 0 there. */
const views = fc
  .array(fc.record({ length: fc.integer({ min: 1, max: 4 }), steady: fc.boolean() }), {
    minLength: 1,
    maxLength: 4,
  })
  .map((axes) => {
    const dims = axes.map((a) => a.length);
    const small = axes.map((a) => (a.steady ? 1 : a.length));
    const base = fromData(
      small,
      Int32Array.from({ length: size(small) }, (_, i) => i + 1),
    );
    return expand(base, dims) as IndexTensor;
  });

/** Row-major position → coordinates. */
function coordinates(index: number, dims: readonly number[]): number[] {
  const at: number[] = [];
  let rest = index;
  for (const d of [...dims].reverse()) {
    at.unshift(rest % d);
    rest = Math.floor(rest / d);
  }
  return at;
}

const flat = (at: readonly number[], dims: readonly number[]): number =>
  at.reduce((sum, p, axis) => sum * (dims[axis] ?? 1) + p, 0);

/** The dense content at coordinates. */
const dense =
  (t: IndexTensor) =>
  (at: readonly number[]): number =>
    toArray(t)[flat(at, t.dims)] ?? -1;

describe("a strided view", () => {
  it("keeps its elements in order through any reshape", () => {
    fc.assert(
      fc.property(views, fc.array(fc.nat(), { maxLength: 5 }), (t, cuts) => {
        const target: number[] = [];
        let rest = size(t.dims);
        for (const cut of cuts) {
          const factors = Array.from({ length: rest }, (_, i) => i + 1).filter((d) => rest % d === 0);
          const factor = factors[cut % factors.length] ?? 1;
          target.push(factor);
          rest /= factor;
        }
        target.push(rest);
        const result = reshape(t, target);
        expect(result.dims).toEqual(target);
        expect([...toArray(result)]).toEqual([...toArray(t)]);
      }),
    );
  });

  it("is permuted as its coordinates are", () => {
    fc.assert(
      fc.property(views, fc.nat(), (t, seed) => {
        const perm = t.dims.map((_, i) => i).sort((a, b) => ((a + seed) % 3) - ((b + seed) % 3) || b - a);
        const result = transpose(t, perm);
        const read = dense(t);
        toArray(result).forEach((value, i) => {
          const at = coordinates(i, result.dims);
          const source = t.dims.map((_, axis) => at[perm.indexOf(axis)] ?? 0);
          expect(value).toBe(read(source));
        });
      }),
    );
  });

  it("is rolled by two slices and a concatenation", () => {
    fc.assert(
      fc.property(views, fc.nat(), fc.nat(), (t, a, s) => {
        const axis = a % t.dims.length;
        const length = t.dims[axis] ?? 1;
        const shift = s % length;
        const rolled = concat(
          [slice(t, axis, shift, 1, length - shift), slice(t, axis, 0, 1, shift)].filter(
            (p) => (p.dims[axis] ?? 0) > 0,
          ),
          axis,
        );
        const read = dense(t);
        toArray(rolled).forEach((value, i) => {
          const at = coordinates(i, t.dims);
          expect(value).toBe(read(at.map((p, k) => (k === axis ? (p + shift) % length : p))));
        });
      }),
    );
  });

  it("takes positions, backwards and absent ones too", () => {
    fc.assert(
      fc.property(views, fc.nat(), fc.array(fc.nat(), { minLength: 1, maxLength: 6 }), (t, a, picks) => {
        const axis = a % t.dims.length;
        const length = t.dims[axis] ?? 1;
        const positions = picks.map((p) => (p % (length + 1)) - 1);
        const result = take(t, axis, positions, -7);
        const read = dense(t);
        toArray(result).forEach((value, i) => {
          const at = coordinates(i, result.dims);
          const from = positions[at[axis] ?? 0] ?? -1;
          expect(value).toBe(from < 0 ? -7 : read(at.map((p, k) => (k === axis ? from : p))));
        });
      }),
    );
  });

  it("is reversed by a slice with a negative step", () => {
    const t = fromData([4], Int32Array.of(1, 2, 3, 4));
    expect([...toArray(slice(t, 0, 3, -1, 4))]).toEqual([4, 3, 2, 1]);
  });

  it("is collapsed exactly along the axes on which it does not change", () => {
    fc.assert(
      fc.property(views, (t) => {
        const written = fromData(t.dims, toArray(t));
        const result = collapse(written);
        expect([...toArray(result)]).toEqual([...toArray(t)]);
        t.strides.forEach((stride, axis) => {
          expect(result.strides[axis] === 0).toBe(stride === 0 || t.dims[axis] === 1);
        });
      }),
    );
  });

  it("is reduced over axes as the dense tensor is", () => {
    fc.assert(
      fc.property(views, fc.nat(), (t, a) => {
        const axis = a % t.dims.length;
        const result = reduce(t, [axis], (values) => Math.max(...values));
        const read = dense(t);
        toArray(result).forEach((value, i) => {
          const at = coordinates(i, result.dims);
          const line = Array.from({ length: t.dims[axis] ?? 1 }, (_, p) =>
            read(at.map((q, k) => (k === axis ? p : q))),
          );
          expect(value).toBe(Math.max(...line));
        });
      }),
    );
  });

  it("is combined position by position", () => {
    const rows = expand(fromData([2, 1], Int32Array.of(1, 2)), [2, 3]) as IndexTensor;
    const columns = expand(fromData([1, 3], Int32Array.of(10, 20, 30)), [2, 3]) as IndexTensor;
    const sum = combine(rows, columns, (a, b) => a + b);
    expect([...toArray(sum)]).toEqual([11, 21, 31, 12, 22, 32]);
  });

  it("refuses a reshape to another size, and an expansion that does not broadcast", () => {
    const t = fromData([2, 3], new Int32Array(6));
    expect(() => reshape(t, [4])).toThrow(RangeError);
    expect(expand(t, [2, 4])).toBeUndefined();
  });
});
