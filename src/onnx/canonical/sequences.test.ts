import { describe, expect, it } from "vitest";
import { int } from "../attributes.js";
import type { GraphBuilder } from "../builder.js";
import { BATCH } from "../dim.js";
import type { Model } from "../graph.js";
import { modelFrom, opsOf } from "../testing/graphs.js";
import { difference, feedsFor, runModel } from "../testing/run.js";
import { lowerSequences } from "./sequences.js";

const at = (g: GraphBuilder, list: string, index: number): string =>
  g.add("SequenceAt", [list, g.int(index)]);

async function check(model: Model, ops: readonly string[]): Promise<void> {
  const lowered = lowerSequences(model);
  expect([...new Set(opsOf(lowered))]).toEqual(ops);
  const feeds = feedsFor(model, 2);
  expect(difference(await runModel(model, feeds), await runModel(lowered, feeds))).toBe(0);
}

describe("lists of tensors", () => {
  it("of equal length are Slices, the last one shorter", () =>
    check(
      modelFrom([BATCH, 7], (g, x) => {
        const list = g.add("SplitToSequence", [x, g.int(3)], { axis: int(-1) });
        return [0, 1, 2].map((i) => at(g, list, i));
      }),
      ["Slice"],
    ));

  it("of given lengths are Slices, counted from either end", () =>
    check(
      modelFrom([BATCH, 7], (g, x) => {
        const list = g.add("SplitToSequence", [x, g.ints([1, 4, 2])], { axis: int(1) });
        return [0, 1, -1].map((i) => at(g, list, i));
      }),
      ["Slice"],
    ));

  it("of length 1 may lose their axis", () =>
    check(
      modelFrom([BATCH, 3, 5], (g, x) => {
        const kept = g.add("SplitToSequence", [x], { axis: int(1) });
        const lost = g.add("SplitToSequence", [x], { axis: int(1), keepdims: int(0) });
        return [at(g, kept, 1), at(g, lost, 2)];
      }),
      ["Slice", "Squeeze"],
    ));

  it("that were put together are their items, or their Concat", () =>
    check(
      modelFrom([BATCH, 5], (g, x) => {
        const list = g.add("SequenceConstruct", [g.add("Neg", [x]), g.add("Abs", [x])]);
        return [at(g, list, -1), g.add("ConcatFromSequence", [list], { axis: int(1) })];
      }),
      ["Neg", "Abs", "Identity", "Concat"],
    ));

  it("stay where an item cannot be told", () =>
    check(
      modelFrom([BATCH, 7], (g, x) => at(g, g.add("SplitToSequence", [x, g.int(3)], { axis: int(1) }), -1)),
      ["SplitToSequence", "SequenceAt"],
    ));
});
