import { describe, expect, it } from "vitest";
import type { Anatomy, Block } from "../anatomy/anatomy.js";
import type { NdArray } from "../runtime/runtime.js";
import { gradientRollout } from "./gradient-rollout.js";
import { rollout } from "./rollout.js";

const GRID = [2, 2] as const;
const blocks: readonly Block[] = [0, 1, 2].map((i) => ({
  name: `blocks.${i}`,
  attention: `a${i}`,
  attentionLayout: "BHNN",
  heads: 1,
  tokens: 5,
}));

function anatomy(classToken: "first" | "last", head: "token" | "mean" = "token"): Anatomy {
  const first = classToken === "first";
  return {
    family: "vit",
    input: { name: "x", layout: "NCHW", channels: 3, dtype: "float32", preprocessing: "outside" },
    output: { name: "y", kind: "logits", classes: 2, logits: "y" },
    image: [32, 32],
    grid: GRID,
    prefixTokens: first ? 1 : 0,
    suffixTokens: first ? 0 : 1,
    head,
    headTokens: head === "mean" ? [] : [first ? 0 : 4],
    blocks,
    layers: [],
    notes: [],
    why: [],
  };
}

/** One image's fused matrices with the class token first, or the same with it moved to the end. */
function taps(classToken: "first" | "last"): Record<string, NdArray> {
  const order = classToken === "first" ? [0, 1, 2, 3, 4] : [1, 2, 3, 4, 0];
  return Object.fromEntries(
    blocks.map(({ name }, l) => {
      const data = Float32Array.from({ length: 25 }, (_, at) => {
        const [i = 0, j = 0] = [order[Math.floor(at / 5)], order[at % 5]];
        return ((i * 7 + j * 3 + l * 5) % 11) / 11 + (i * 5 + j) / 1000;
      });
      return [name, { dtype: "float32" as const, dims: [1, 5, 5], data }];
    }),
  );
}

const only = (maps: readonly { readonly values: Float32Array }[]): number[] => [...(maps[0]?.values ?? [])];

describe("rollout over a sequence", () => {
  it("gives the same map wherever the class token stands", () => {
    for (const method of [
      gradientRollout({ discard: 0.3 }),
      rollout(),
      gradientRollout({ discard: 0.6, protect: true }),
    ]) {
      const first = only(method.maps(taps("first"), anatomy("first"), 1));
      const last = only(method.maps(taps("last"), anatomy("last"), 1));
      expect(first).toHaveLength(4);
      first.forEach((v, i) => {
        expect(last[i]).toBeCloseTo(v, 6);
      });
    }
  });
  it("reads the patches' mean where the head is a mean, and says so in the record", () => {
    const mean = anatomy("first", "mean");
    expect(gradientRollout().resolve(mean)).toMatchObject({ readout: "patches", discard: 0.9 });
    expect(gradientRollout().resolve(anatomy("first"))).toMatchObject({ readout: "token" });
    expect(only(rollout().maps(taps("first"), mean, 1))).not.toEqual(
      only(rollout().maps(taps("first"), anatomy("first"), 1)),
    );
  });
  it("starts at a later block when told", () => {
    const method = rollout({ start: 2 });
    expect(Object.keys(method.taps(anatomy("first")))).toEqual(["blocks.2"]);
    const { "blocks.2": last } = taps("first");
    expect(only(method.maps(last ? { "blocks.2": last } : {}, anatomy("first"), 1))).toHaveLength(4);
  });
  it("does not change when a matrix is scaled, once it is normalised", () => {
    const scaled = Object.fromEntries(
      Object.entries(taps("first")).map(([k, t]) => [
        k,
        { ...t, data: Float32Array.from(t.data as Float32Array, (v) => v * 1e-4) },
      ]),
    );
    for (const normalise of ["max", "sum"] as const) {
      const method = gradientRollout({ normalise, discard: 0 });
      const want = only(method.maps(taps("first"), anatomy("first"), 1));
      only(method.maps(scaled, anatomy("first"), 1)).forEach((v, i) => {
        expect(v).toBeCloseTo(want[i] ?? 0, 5);
      });
    }
  });
  it("refuses to read a token that is not there", () => {
    const bare = { ...anatomy("first", "mean"), prefixTokens: 0 };
    expect(() => gradientRollout({ readout: "token" }).resolve(bare)).toThrowError(/patch tokens only/);
  });
});
