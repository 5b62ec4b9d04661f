import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { WindowInfo } from "../anatomy/anatomy.js";
import { pushRow, pushWindows, splitMerge } from "./propagate.js";
import { discardSmallest, kthSmallest } from "./select.js";

const correct = { residual: 1, columnDefect: false, above: 0 };
const matrix = (n: number) =>
  fc
    .array(fc.float({ min: 0, max: 1, noNaN: true }), { minLength: n * n, maxLength: n * n })
    .map((v) => Float32Array.from(v));

/** The same in the plainest way: the whole normalised matrix. */
function denseStep(r: readonly number[], f: Float32Array, columnDefect: boolean): number[] {
  const n = r.length;
  const a = Array.from({ length: n }, (_, i) =>
    Array.from({ length: n }, (_, j) => ((f[i * n + j] ?? 0) + (i === j ? 1 : 0)) / 2),
  );
  const sums = a.map((row) => row.reduce((s, v) => s + v, 0));
  return Array.from({ length: n }, (_, j) =>
    a.reduce((s, row, i) => s + (r[i] ?? 0) * ((row[j] ?? 0) / (sums[columnDefect ? j : i] ?? 1)), 0),
  );
}

describe("pushing a row through a layer", () => {
  it("equals the product with the row-normalised matrix", () => {
    fc.assert(
      fc.property(
        matrix(5),
        fc.array(fc.float({ min: 0, max: 1, noNaN: true }), { minLength: 5, maxLength: 5 }),
        (f, r) => {
          const row = Float64Array.from(r);
          pushRow(row, f, 0, correct);
          denseStep(r, f, false).forEach((v, j) => {
            expect(row[j]).toBeCloseTo(v, 10);
          });
        },
      ),
    );
  });
  it("divides columns in the vit-explain defect", () => {
    fc.assert(
      fc.property(matrix(4), (f) => {
        const row = Float64Array.of(1, 0, 0.5, 0);
        pushRow(row, f, 0, { residual: 1, columnDefect: true, above: 0 });
        denseStep([1, 0, 0.5, 0], f, true).forEach((v, j) => {
          expect(row[j]).toBeCloseTo(v, 10);
        });
      }),
    );
  });
  it("keeps the mass of a row that has no weight at all", () => {
    const row = Float64Array.of(0.25, 0.75);
    pushRow(row, new Float32Array(4), 0, { residual: 0, columnDefect: false, above: 0 });
    expect([...row]).toEqual([0.25, 0.75]);
  });
});

/** 4×4 grid in 2×2 windows rolled by (1, 1), as Swin's `view(H/ws, ws, W/ws, ws)` orders them. */
function shiftedWindows(): WindowInfo {
  const slots: number[] = [];
  for (const wy of [0, 1])
    for (const wx of [0, 1])
      for (const y of [0, 1])
        for (const x of [0, 1]) slots.push(((wy * 2 + y + 1) % 4) * 4 + ((wx * 2 + x + 1) % 4));
  return { window: [2, 2], shift: [1, 1], grid: [4, 4], padded: [4, 4], slots: Int32Array.from(slots) };
}

describe("pushing a row through windows", () => {
  it("equals the dense block-diagonal permuted matrix", () => {
    const windows = shiftedWindows();
    const fused = Float32Array.from({ length: 4 * 16 }, (_, i) => ((i * 37) % 11) / 11);
    const dense = new Float32Array(256);
    for (let w = 0; w < 4; w++)
      for (let i = 0; i < 4; i++)
        for (let j = 0; j < 4; j++) {
          const at = (windows.slots[w * 4 + i] ?? 0) * 16 + (windows.slots[w * 4 + j] ?? 0);
          dense[at] = fused[w * 16 + i * 4 + j] ?? 0;
        }
    const start = Array.from({ length: 16 }, (_, i) => (i + 1) / 136);
    const row = Float64Array.from(start);
    pushWindows(row, fused, windows, correct);
    denseStep(start, dense, false).forEach((v, j) => {
      expect(row[j]).toBeCloseTo(v, 10);
    });
  });
  it("conserves the sum when windows contain padding", () => {
    const windows: WindowInfo = {
      window: [2, 2],
      shift: [0, 0],
      grid: [1, 3],
      padded: [2, 4],
      slots: Int32Array.of(0, 1, -1, -1, 2, -1, -1, -1),
    };
    const row = Float64Array.of(0.2, 0.3, 0.5);
    pushWindows(
      row,
      Float32Array.from({ length: 32 }, (_, i) => i / 32),
      windows,
      correct,
    );
    expect(row.reduce((s, v) => s + v, 0)).toBeCloseTo(1, 12);
  });
});

describe("going back through a patch merging", () => {
  const merge = { grid: [1, 1] as const, children: Int32Array.of(0, 1, 2, 3), count: 4 };
  it("gives each child a quarter", () => {
    expect([...splitMerge(Float64Array.of(1), merge, 4)]).toEqual([0.25, 0.25, 0.25, 0.25]);
  });
  it("gives nothing to padding and conserves the sum", () => {
    const out = splitMerge(Float64Array.of(1), { ...merge, children: Int32Array.of(0, -1, 1, -1) }, 2);
    expect([...out]).toEqual([0.5, 0.5]);
  });
  it("splits in proportion to relevance", () => {
    expect([...splitMerge(Float64Array.of(1), merge, 4, Float32Array.of(1, 0, 0, 3))]).toEqual([
      0.25, 0, 0, 0.75,
    ]);
  });
});

describe("discarding the smallest entries", () => {
  it("finds the k-th smallest as sorting does", () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.constant(0), fc.float({ min: 0, noNaN: true, noDefaultInfinity: true })), {
          minLength: 1,
          maxLength: 200,
        }),
        fc.nat(),
        (values, pick) => {
          const v = Float32Array.from(values);
          const k = (pick % v.length) + 1;
          const sorted = v.slice().sort();
          const { threshold, below } = kthSmallest(v, k);
          expect(threshold).toBe(Math.abs(sorted[k - 1] ?? -1));
          expect(below).toBe(values.filter((x) => Math.fround(x) < threshold).length);
        },
      ),
    );
  });
  it("zeroes exactly the wanted number, equal values lowest index first", () => {
    const v = Float32Array.of(0.5, 0.25, 0.5, 1, 0.5);
    discardSmallest(v, 3);
    expect([...v]).toEqual([0, 0, 0, 1, 0.5]);
  });
  it("spares what is protected", () => {
    const v = Float32Array.of(0.1, 0.2, 0.3, 0.4);
    discardSmallest(v, 2, (i) => i === 0);
    expect([...v]).toEqual([Math.fround(0.1), 0, Math.fround(0.3), Math.fround(0.4)]);
  });
  it("does nothing for a count of 0", () => {
    const v = Float32Array.of(0.1, 0.2);
    discardSmallest(v, 0);
    expect(v[0]).toBeGreaterThan(0);
  });
});
