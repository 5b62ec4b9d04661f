import { describe, expect, it } from "vitest";
import { int, ints } from "../attributes.js";
import type { GraphBuilder } from "../builder.js";
import { BATCH } from "../dim.js";
import type { Model } from "../graph.js";
import { modelFrom, opsOf } from "../testing/graphs.js";
import { difference, feedsFor, runModel } from "../testing/run.js";
import { joinRearrangements } from "./simplify.js";

const perm = (...axes: number[]) => ({ perm: ints(axes) });

const turn = (g: GraphBuilder, x: string, ...axes: number[]): string =>
  g.add("Transpose", [x], perm(...axes));

async function check(model: Model, ops: readonly string[]): Promise<void> {
  const simple = joinRearrangements(model);
  expect(opsOf(simple)).toEqual(ops);
  expect(simple.graph.outputs).toEqual(model.graph.outputs);
  const feeds = feedsFor(model, 2);
  expect(difference(await runModel(model, feeds), await runModel(simple, feeds))).toBe(0);
}

describe("joinRearrangements", () => {
  it("makes one Reshape of several", () =>
    check(
      modelFrom([BATCH, 6, 8], (g, x) => {
        const flat = g.add("Flatten", [g.add("Unsqueeze", [x, g.ints([1])])]);
        return g.add("Reshape", [flat, g.ints([-1, 3, 16])]);
      }),
      ["Reshape"],
    ));

  it("makes one Transpose of two", () =>
    check(
      modelFrom([BATCH, 6, 8], (g, x) => turn(g, turn(g, x, 1, 2, 0), 0, 2, 1)),
      ["Transpose"],
    ));

  it("drops a Transpose that undoes the one before", () =>
    check(
      modelFrom([BATCH, 6, 8], (g, x) => turn(g, turn(g, x, 1, 2, 0), 2, 0, 1)),
      ["Identity"],
    ));

  it("sees through leading axes joined and parted around a Transpose", () =>
    check(
      modelFrom([BATCH, 3, 6, 8], (g, x) => {
        const joined = g.add("Reshape", [x, g.ints([-1, 6, 8])]);
        return g.add("Reshape", [turn(g, joined, 0, 2, 1), g.ints([-1, 3, 8, 6])]);
      }),
      ["Transpose"],
    ));

  it("leaves a Transpose between Reshapes that cut axes anew", () =>
    check(
      modelFrom([BATCH, 3, 6, 8], (g, x) => {
        const cut = g.add("Reshape", [x, g.ints([-1, 12, 4])]);
        return g.add("Reshape", [turn(g, cut, 0, 2, 1), g.ints([-1, 3, 8, 6])]);
      }),
      ["Reshape", "Transpose", "Reshape"],
    ));

  it("keeps what something else reads", () =>
    check(
      modelFrom([BATCH, 6, 8], (g, x) => {
        const flat = g.add("Reshape", [x, g.ints([-1, 48])]);
        return [g.add("Reshape", [flat, g.ints([-1, 8, 6])]), flat];
      }),
      ["Reshape", "Reshape"],
    ));

  it("takes the Softmax of rows that were joined for it alone", () =>
    check(
      modelFrom([BATCH, 3, 6, 8], (g, x) => {
        const rows = g.add("Softmax", [g.add("Flatten", [x], { axis: int(3) })], { axis: int(-1) });
        return g.add("Reshape", [rows, g.add("Shape", [x])]);
      }),
      ["Softmax"],
    ));

  it("leaves a Softmax over other rows, or another axis", async () => {
    const between = (rows: readonly number[], axis: number) =>
      modelFrom([BATCH, 3, 6, 8], (g, x) => {
        const soft = g.add("Softmax", [g.add("Reshape", [x, g.ints(rows)])], { axis: int(axis) });
        return g.add("Reshape", [soft, g.ints([-1, 3, 6, 8])]);
      });
    await check(between([-1, 16], -1), ["Reshape", "Softmax", "Reshape"]);
    await check(between([-1, 18, 8], 1), ["Reshape", "Softmax", "Reshape"]);
  });

  it("does not expand what is broadcast anyway", () =>
    check(
      modelFrom([BATCH, 6, 8], (g, x) => {
        const norm = g.add("ReduceL2", [x, g.ints([-1])]);
        return g.add("Div", [x, g.add("Expand", [norm, g.add("Shape", [x])])]);
      }),
      ["ReduceL2", "Div"],
    ));

  it("keeps an Expand that gives the result its shape", () =>
    check(
      modelFrom([BATCH, 1, 8], (g, x) => {
        const wide = (): string => g.add("Expand", [x, g.ints([1, 4, 1])]);
        return g.add("Add", [wide(), wide()]);
      }),
      ["Expand", "Add"],
    ));
});
