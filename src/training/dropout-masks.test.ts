import { describe, expect, it } from "vitest";
import { dropoutMask } from "./dropout-masks.js";

const AT = { seed: 1, step: 2, part: 0 };
const COUNT = 400_000;

const share = (mask: Uint8Array): number => mask.reduce((sum, kept) => sum + kept, 0) / mask.length;

describe("masks of dropout", () => {
  // 26/256 is no tenth: what is left of the byte has to be decided too. 0.001 and 0.999 are below and above every byte.
  it.each([0.001, 0.1, 0.25, 0.5, 0.999])("zero elements with the probability %s", (rate) => {
    const mask = dropoutMask(rate, COUNT, AT, 0);
    expect(mask).toHaveLength(COUNT);
    expect(mask.every((kept) => kept === 0 || kept === 1)).toBe(true);
    const deviation = Math.sqrt((rate * (1 - rate)) / COUNT);
    expect(Math.abs(1 - share(mask) - rate)).toBeLessThan(4 * deviation);
    // What is kept is scaled by 1 / (1 − rate): the expectation stays.
    expect(Math.abs(share(mask) / (1 - rate) - 1)).toBeLessThan((4 * deviation) / (1 - rate));
  });

  it("zero elements at every place of a word alike, and each by itself", () => {
    const mask = dropoutMask(0.3, COUNT, AT, 0);
    for (let place = 0; place < 4; place++)
      expect(share(mask.filter((_, i) => i % 4 === place))).toBeCloseTo(0.7, 2);
    expect(share(mask.map((kept, i) => kept & (mask[i + 1] ?? 0)))).toBeCloseTo(0.49, 2);
  });

  it("keep everything at a rate of 0, and end where they are to end", () => {
    expect(share(dropoutMask(0, 1001, AT, 0))).toBe(1);
    expect(dropoutMask(0.5, 1001, AT, 0)).toHaveLength(1001);
  });

  it("are drawn anew for each seed, step, part and site, and the same for the same", () => {
    const drawn = (seed: number, step: number, part: number, site: number) =>
      dropoutMask(0.5, 64, { seed, step, part }, site).join("");
    expect(drawn(7, 3, 0, 0)).toBe(drawn(7, 3, 0, 0));
    const all = [
      drawn(7, 3, 0, 0),
      drawn(8, 3, 0, 0),
      drawn(7, 4, 0, 0),
      drawn(7, 3, 1, 0),
      drawn(7, 3, 0, 1),
    ];
    expect(new Set(all).size).toBe(all.length);
  });
});
