import { describe, expect, it } from "vitest";
import { string } from "../../onnx/attributes.js";
import type { GraphBuilder } from "../../onnx/builder.js";
import { GraphBuilder as Builder } from "../../onnx/builder.js";
import { gradients } from "../gradients.js";
import { checkProperty, modelOf, shapes } from "../testing/finite-differences.js";

const single = "float32" as const;

/** GELU as exporters write it out: factors in each order, √2 divided or multiplied by. */
const WRITTEN_OUT: readonly ((g: GraphBuilder, x: string) => string)[] = [
  (g, x) => g.add("Mul", [g.float(0.5), g.add("Mul", [x, onePlusErf(g, x, "Div")])]),
  (g, x) => g.add("Mul", [g.add("Mul", [x, onePlusErf(g, x, "Mul")]), g.float(0.5)]),
  (g, x) => g.add("Mul", [g.add("Mul", [x, g.float(0.5)]), onePlusErf(g, x, "Div")]),
  (g, x) => g.add("Mul", [x, g.add("Mul", [onePlusErf(g, x, "Mul"), g.float(0.5)])]),
  (g, x) => g.add("Mul", [x, g.add("Div", [onePlusErf(g, x, "Mul"), g.float(2)])]),
];

function onePlusErf(g: GraphBuilder, x: string, op: "Div" | "Mul"): string {
  const v = g.add(op, [x, g.float(op === "Div" ? Math.SQRT2 : Math.SQRT1_2)]);
  return g.add("Add", [g.add("Erf", [v]), g.float(1)]);
}

describe("the gradient of GELU", () => {
  for (const approximate of ["none", "tanh"]) {
    it(`with approximate "${approximate}"`, () =>
      checkProperty(shapes(), (shape) => ({
        shapes: [shape],
        dtype: single,
        range: [-4, 4],
        body: (g, x) => g.add("Gelu", x, { approximate: string(approximate) }),
      })));
  }

  for (const [i, write] of WRITTEN_OUT.entries()) {
    it(`written out, form ${i}`, () =>
      checkProperty(
        shapes(),
        (shape) => ({
          shapes: [shape],
          dtype: single,
          range: [-4, 4],
          body: (g, [x = ""]) => write(g, x),
        }),
        4,
      ));

    it(`is recognised in form ${i}: one Erf, one Exp`, () => {
      const g = Builder.empty("gelu", 20);
      const x = g.input({ name: "x", dtype: single, shape: [3] });
      const seed = g.input({ name: "seed", dtype: single, shape: [3] });
      const y = write(g, x);
      const { model, gradients: byName } = gradients(modelOf(g.build([y])), {
        of: [{ value: y, seed }],
        wrt: [x],
      });
      const all = Builder.extending(model).build([y, byName.get(x) ?? ""]);
      const ops = all.nodes.map((node) => node.op).sort();
      expect(ops).toEqual(["Add", "Div", "Erf", "Exp", "HardSigmoid", "Mul", "Mul", "Mul", "Mul", "Mul"]);
    });
  }

  it("is finite far out, where e^(v²) overflows", () =>
    checkProperty(
      shapes(),
      (shape) => ({
        shapes: [shape],
        dtype: single,
        range: [-40, 40],
        body: (g, x) => g.add("Gelu", x),
      }),
      4,
    ));
});
