import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { inRuns, runLength, scaledRun } from "./runs.js";

describe("a batch in runs", () => {
  it("is cut into as few equal runs of at most eight images as there must be", () => {
    expect([1, 7, 8, 9, 13, 16, 32, 33].map(runLength)).toEqual([1, 7, 8, 5, 7, 8, 8, 7]);
  });

  it("has about as many pixels in every image size", () => {
    const own = [3, 224, 224];
    expect(scaledRun(32, 8, own, [3, 224, 224])).toBe(8);
    expect(scaledRun(32, 8, own, [3, 96, 96])).toBe(32);
    expect(scaledRun(32, 8, own, [3, 160, 160])).toBe(11);
    expect(scaledRun(32, 8, own, [3, 448, 448])).toBe(2);
    expect(scaledRun(32, 1, own, [3, 448, 448])).toBe(1);
  });

  it("holds every image once, in order, and otherwise nothing that weighs", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 40 }), fc.nat(3), (images, missing) => {
        const count = (each: number, offset: number) =>
          Float32Array.from({ length: images * each }, (_, i) => i + offset);
        const size = Math.max(1, images - missing);
        const batch = {
          pixels: count(5, 1),
          targets: count(2, 1000),
          sampleWeights: count(1, 2000),
          teacherLogits: count(2, 3000),
          indices: Array.from({ length: size }, (_, i) => i),
          size,
        };
        const run = runLength(images);
        const runs = inRuns(batch, run);
        const all = (name: "pixels" | "targets" | "sampleWeights" | "teacherLogits") =>
          runs.flatMap((r) => [...(r[name] ?? [])]);
        for (const name of ["pixels", "targets", "sampleWeights", "teacherLogits"] as const) {
          const whole = [...batch[name]];
          expect(all(name).slice(0, whole.length)).toEqual(whole);
          expect(
            all(name)
              .slice(whole.length)
              .every((v) => v === 0),
          ).toBe(true);
        }
        expect(runs.every((r) => r.sampleWeights.length === run)).toBe(true);
        expect(runs.flatMap((r) => r.indices)).toEqual(batch.indices);
        expect(runs.reduce((n, r) => n + r.size, 0)).toBe(size);
      }),
    );
  });
});
