import { describe, expect, it } from "vitest";
import type { NdArray } from "../runtime/runtime.js";
import type { Anatomy } from "./anatomy.js";
import { type RunValues, verifyAnatomy } from "./verify.js";

const ANATOMY: Anatomy = {
  family: "vit",
  input: { name: "x", layout: "NCHW", channels: 3, dtype: "float32", preprocessing: "outside" },
  output: { name: "p", kind: "probabilities", classes: 2, logits: "z" },
  image: [8, 8],
  grid: [1, 2],
  prefixTokens: 0,
  suffixTokens: 0,
  head: "mean",
  headTokens: [],
  blocks: [{ name: "blocks.0", attention: "a", attentionLayout: "BHNN", heads: 1, tokens: 2 }],
  layers: [],
  notes: [],
  why: [],
};

const array = (dims: readonly number[], values: readonly number[]): NdArray => ({
  dtype: "float32",
  dims,
  data: Float32Array.from(values),
});

const GOOD = {
  a: array([1, 1, 2, 2], [0.25, 0.75, 1, 0]),
  z: array([1, 2], [0, Math.log(3)]),
  p: array([1, 2], [0.25, 0.75]),
};

const running =
  (values: Readonly<Record<string, NdArray>>): RunValues =>
  async () =>
    values;

describe("verifyAnatomy", () => {
  it("finds nothing wrong where rows sum to 1 and probabilities are the logits' softmax", async () => {
    expect(await verifyAnatomy(ANATOMY, running(GOOD))).toEqual([]);
  });

  it("accepts class by class sigmoids", async () => {
    const p = array([1, 2], [0.5, 0.75]);
    expect(await verifyAnatomy(ANATOMY, running({ ...GOOD, p }))).toEqual([]);
  });

  it.each([
    [
      "rows that sum to something else",
      { ...GOOD, a: array([1, 1, 2, 2], [0.5, 0.75, 1, 0]) },
      /sum to 1 \(1\.250\)/,
    ],
    ["negative weights", { ...GOOD, a: array([1, 1, 2, 2], [-1, 2, 1, 0]) }, /negative/],
    ["NaN", { ...GOOD, a: array([1, 1, 2, 2], [Number.NaN, 1, 1, 0]) }, /undefined weights/],
    ["other sizes", { ...GOOD, a: array([1, 1, 3, 3], Array(9).fill(1 / 3)) }, /not matrices of 2 tokens/],
    ["a missing tensor", { z: GOOD.z, p: GOOD.p }, /was not computed/],
    ["other probabilities", { ...GOOD, p: array([1, 2], [0.9, 0.1]) }, /neither the softmax nor the sigmoid/],
  ])("says what is wrong with %s", async (_, values, message) => {
    expect((await verifyAnatomy(ANATOMY, running(values))).join(" ")).toMatch(message);
  });
});
