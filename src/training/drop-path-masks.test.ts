import { describe, expect, it } from "vitest";
import { dropPathMasks } from "./drop-path-masks.js";

describe("masks of drop path", () => {
  it("keep branches as often as they should, and scale what is kept", () => {
    const masks = dropPathMasks([1, 0.75], 4000, { seed: 1, step: 2, part: 0 });
    expect(masks.subarray(0, 4000).every((value) => value === 1)).toBe(true);
    const second = masks.subarray(4000);
    expect(new Set(second)).toEqual(new Set([0, Math.fround(1 / 0.75)]));
    expect(second.reduce((sum, value) => sum + value, 0) / 4000).toBeCloseTo(1, 1);
  });

  it("are drawn anew for each step and part, and the same for the same", () => {
    const drawn = (step: number, part: number) => dropPathMasks([0.5], 64, { seed: 7, step, part });
    expect(drawn(3, 0)).toEqual(drawn(3, 0));
    expect(drawn(3, 0)).not.toEqual(drawn(4, 0));
    expect(drawn(3, 0)).not.toEqual(drawn(3, 1));
  });
});
