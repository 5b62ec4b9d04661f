import { describe, expect, it } from "vitest";
import { float } from "../../onnx/attributes.js";
import type { Attributes } from "../../onnx/builder.js";
import { checkProperty, shapes } from "../testing/finite-differences.js";
import { unaryRules } from "./unary.js";

interface Spec {
  readonly range?: readonly [number, number];
  readonly kinks?: readonly number[];
  /** Operators that ONNX Runtime has in float32 only. */
  readonly single?: boolean;
  readonly attributes?: Attributes;
  readonly domain?: string;
}

const SPECS: Readonly<Record<string, Spec>> = {
  Neg: {},
  Sqrt: { range: [0.3, 4] },
  Reciprocal: { range: [0.5, 3] },
  Exp: {},
  Log: { range: [0.3, 4] },
  Erf: { single: true },
  Sin: {},
  Cos: {},
  Tan: { range: [-1, 1], single: true },
  Asin: { range: [-0.7, 0.7], single: true },
  Acos: { range: [-0.7, 0.7], single: true },
  Atan: { single: true },
  Sinh: { single: true },
  Cosh: { single: true },
  Abs: { kinks: [0] },
  Tanh: { single: true },
  Sigmoid: { single: true },
  Relu: { kinks: [0] },
  LeakyRelu: { kinks: [0], attributes: { alpha: float(0.2) }, single: true },
  ThresholdedRelu: { kinks: [0.7], attributes: { alpha: float(0.7) }, single: true },
  Elu: { kinks: [0], attributes: { alpha: float(1.5) }, single: true },
  Celu: { kinks: [0], attributes: { alpha: float(1.5) }, single: true },
  Selu: { kinks: [0], single: true },
  Softplus: { single: true },
  Softsign: { single: true },
  HardSigmoid: { kinks: [-1.25, 1.25], attributes: { alpha: float(0.4), beta: float(0.5) }, single: true },
  HardSwish: { range: [-5, 5], kinks: [-3, 3], single: true },
  Mish: { single: true },
  Swish: { single: true },
  "com.microsoft:QuickGelu": { attributes: { alpha: float(1.3) }, single: true },
};

/** In opset 24 alone, which ONNX Runtime's released kernels may not have; preparing writes it out anyway. */
const NOT_RUN = new Set(["Swish"]);

describe("gradients of functions of one element", () => {
  it("has a case for every rule", () => {
    expect(Object.keys(SPECS).sort()).toEqual(Object.keys(unaryRules).sort());
  });

  for (const [name, spec] of Object.entries(SPECS)) {
    if (NOT_RUN.has(name)) continue;
    const [domain, op] = name.includes(":") ? name.split(":") : ["", name];
    it(name, () =>
      checkProperty(
        shapes(),
        (shape) => ({
          shapes: [shape],
          dtype: spec.single ? "float32" : "float64",
          ...(spec.range ? { range: spec.range } : {}),
          ...(spec.kinks ? { kinks: spec.kinks } : {}),
          body: (g, x) => g.add(op ?? "", x, spec.attributes ?? {}, { domain: domain ?? "" }),
        }),
        8,
      ),
    );
  }
});
