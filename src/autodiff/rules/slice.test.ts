import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { int, string } from "../../onnx/attributes.js";
import { GraphBuilder } from "../../onnx/builder.js";
import { BATCH } from "../../onnx/dim.js";
import { gradients } from "../gradients.js";
import { checkGradient, checkProperty, modelOf } from "../testing/finite-differences.js";

const extent = fc.integer({ min: 1, max: 6 });
const bound = fc.integer({ min: -8, max: 8 });
const step = fc.constantFrom(1, 1, 2, 3, -1, -2);

const square = (g: GraphBuilder, y: string) => g.add("Mul", [y, y]);

describe("gradients of cutting and joining", () => {
  it("Slice with any bounds and steps, on one axis", () =>
    checkProperty(
      fc.tuple(extent, bound, bound, step),
      ([size, start, end, by]) => ({
        shapes: [[2, size]],
        body: (g, [x = ""]) =>
          g.add(
            "Concat",
            [square(g, g.add("Slice", [x, ...[[start], [end], [-1], [by]].map((v) => g.ints(v))])), x],
            { axis: int(1) },
          ),
      }),
      60,
    ));

  it("Slice on two axes of a value with a symbolic batch", () =>
    checkProperty(
      fc.tuple(extent, extent, step, step),
      ([h, w, down, across]) => ({
        shapes: [[2, h, w, 2]],
        batch: true,
        body: (g, [x = ""]) => {
          const from = (by: number) => (by > 0 ? 0 : -1);
          const to = (by: number) => (by > 0 ? 100 : -100);
          const inputs = [
            [from(down), from(across)],
            [to(down), to(across)],
            [1, 2],
            [down, across],
          ];
          return square(g, g.add("Slice", [x, ...inputs.map((v) => g.ints(v))]));
        },
      }),
      20,
    ));

  it("Split into pieces of which some are unused", () =>
    checkProperty(
      fc.tuple(fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 2, maxLength: 4 }), fc.nat()),
      ([lengths, n]) => ({
        shapes: [[2, lengths.reduce((a, b) => a + b), 2]],
        body: (g, [x = ""]) => {
          const pieces = g.addMany("Split", [x, g.ints(lengths)], lengths.length, { axis: int(1) });
          const used = pieces.filter((_, i) => i !== n % lengths.length);
          return g.add(
            "Concat",
            used.map((piece) => square(g, piece)),
            { axis: int(1) },
          );
        },
      }),
    ));

  it("Concat, by every piece, also along a symbolic batch", () =>
    checkProperty(fc.tuple(extent, extent, fc.constantFrom(0, 1, -1)), ([a, b, axis]) => ({
      shapes:
        axis === 0
          ? [
              [2, a],
              [2, a],
            ]
          : [
              [2, a],
              [2, b],
              [2, 1],
            ],
      batch: axis !== 0,
      body: (g, x) => square(g, g.add("Concat", x, { axis: int(axis) })),
    })));

  for (const mode of ["constant", "edge", "reflect", "wrap"]) {
    it(`Pad ${mode}`, () =>
      checkProperty(
        fc.tuple(
          fc.integer({ min: 3, max: 4 }),
          fc.integer({ min: mode === "constant" ? -1 : 0, max: 2 }),
          fc.nat({ max: 2 }),
          fc.boolean(),
        ),
        ([size, before, after, listed]) => ({
          shapes: [[2, size, 2]],
          body: (g, [x = ""]) => {
            const pads = listed ? [before, after] : [0, before, 0, 0, after, 0];
            const rest = listed ? ["", g.ints([1])] : [];
            return square(g, g.add("Pad", [x, g.ints(pads), ...rest], { mode: string(mode) }));
          },
        }),
      ));
  }

  it("joins the pieces of a Split or of neighbouring Slices by one Concat, without padding", () => {
    for (const split of [true, false]) {
      const g = GraphBuilder.empty("cut", 20);
      const x = g.input({ name: "x", dtype: "float32", shape: [BATCH, 6] });
      const pieces = split
        ? g.addMany("Split", [x, g.ints([2, 2, 2])], 3, { axis: int(1) })
        : [0, 2, 4].map((from) => g.add("Slice", [x, ...[[from], [from + 2], [1]].map((v) => g.ints(v))]));
      const y = g.add(
        "Sum",
        pieces.map((piece) => square(g, piece)),
      );
      const seed = g.input({ name: "seed", dtype: "float32", shape: [BATCH, 2] });
      const { model, gradients: byName } = gradients(modelOf(g.build([y])), {
        of: [{ value: y, seed }],
        wrt: [x],
      });
      const ops = GraphBuilder.extending(model)
        .build([byName.get(x) ?? ""])
        .nodes.map((node) => node.op);
      expect(ops.filter((op) => op === "Concat")).toHaveLength(1);
      expect(ops).not.toContain("Pad");
    }
  });

  it("a slice of the whole axis is passed on", () =>
    checkGradient({
      shapes: [[2, 3]],
      batch: true,
      body: (g, [x = ""]) =>
        square(g, g.add("Slice", [x, g.ints([0]), g.ints([Number.MAX_SAFE_INTEGER]), g.ints([0])])),
    }));
});
