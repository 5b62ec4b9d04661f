import { describe, expect, it } from "vitest";
import { int } from "../attributes.js";
import type { GraphBuilder } from "../builder.js";
import { BATCH } from "../dim.js";
import type { Model } from "../graph.js";
import { float32Tensor } from "../tensor.js";
import { modelFrom, opsOf } from "../testing/graphs.js";
import { difference, feedsFor, noise, runModel } from "../testing/run.js";
import { recogniseGelu } from "./gelu.js";
import { recogniseLayerNorm } from "./layer-norm.js";

type Write = (g: GraphBuilder, x: string) => string;

const vector = (g: GraphBuilder, seed: number, ...dims: number[]): string =>
  g.constant(
    float32Tensor(
      dims,
      noise(
        dims.reduce((a, b) => a * b, 1),
        seed,
      ),
    ),
  );

async function gap(model: Model, recognised: Model): Promise<number> {
  const feeds = feedsFor(model, 2);
  return difference(await runModel(model, feeds), await runModel(recognised, feeds));
}

/** The part before weight and bias. */
function normal(
  g: GraphBuilder,
  x: string,
  axes: readonly number[] = [-1],
  power = true,
): readonly [string, string] {
  const mean = (value: string): string => g.add("ReduceMean", [value, g.ints(axes)]);
  const centred = g.add("Sub", [x, mean(x)]);
  const square = power ? g.add("Pow", [centred, g.float(2)]) : g.add("Mul", [centred, centred]);
  return [centred, g.add("Sqrt", [g.add("Add", [mean(square), g.float(1e-6)])])];
}

const NORMS: Readonly<Record<string, Write>> = {
  "with weight and bias": (g, x) =>
    g.add("Add", [g.add("Mul", [g.add("Div", normal(g, x)), vector(g, 1, 8)]), vector(g, 2, 8)]),
  "with constants in front and shaped [1, 1, D]": (g, x) =>
    g.add("Add", [vector(g, 2, 1, 1, 8), g.add("Mul", [vector(g, 1, 1, 1, 8), g.add("Div", normal(g, x))])]),
  "without weight and bias": (g, x) => g.add("Div", normal(g, x, [2], false)),
  "by a reciprocal": (g, x) => {
    const [centred, deviation] = normal(g, x);
    return g.add("Mul", [g.add("Mul", [centred, g.add("Reciprocal", [deviation])]), vector(g, 1, 8)]);
  },
  "over two axes": (g, x) => g.add("Mul", [g.add("Div", normal(g, x, [-2, -1])), vector(g, 1, 6, 8)]),
};

describe("recogniseLayerNorm", () => {
  it.each(Object.entries(NORMS))("finds one written out %s", async (_, write) => {
    const model = modelFrom([BATCH, 6, 8], write);
    const recognised = recogniseLayerNorm(model);
    expect(opsOf(recognised)).toEqual(["LayerNormalization"]);
    expect(recognised.graph.outputs).toEqual(model.graph.outputs);
    expect(await gap(model, recognised)).toBeLessThan(2e-6);
  });

  it.each<[string, Write]>([
    ["a mean over other axes", (g, x) => g.add("Div", normal(g, x, [1]))],
    [
      "a root mean square",
      (g, x) => {
        const mean = g.add("ReduceMean", [g.add("Mul", [x, x]), g.ints([-1])]);
        return g.add("Div", [x, g.add("Sqrt", [g.add("Add", [mean, g.float(1e-6)])])]);
      },
    ],
    [
      "the variance of something else",
      (g, x) => {
        const [, deviation] = normal(g, g.add("Relu", [x]));
        return g.add("Div", [g.add("Sub", [x, g.add("ReduceMean", [x, g.ints([-1])])]), deviation]);
      },
    ],
  ])("leaves %s alone", (_, write) => {
    const model = modelFrom([BATCH, 6, 8], write);
    expect(recogniseLayerNorm(model)).toBe(model);
  });

  it("keeps a normalised value that something else reads as well", async () => {
    const model = modelFrom([BATCH, 6, 8], (g, x) => {
      const plain = g.add("Div", normal(g, x));
      return g.add("Add", [g.add("Mul", [plain, vector(g, 1, 8)]), g.add("Relu", [plain])]);
    });
    const recognised = recogniseLayerNorm(model);
    expect(opsOf(recognised)).toEqual(["LayerNormalization", "Mul", "Relu", "Add"]);
    expect(await gap(model, recognised)).toBeLessThan(2e-6);
  });
});

const gate = (g: GraphBuilder, x: string): string =>
  g.add("Add", [g.add("Erf", [g.add("Div", [x, g.float(Math.SQRT2)])]), g.float(1)]);

const tanhGate = (g: GraphBuilder, x: string, cube: string): string => {
  const inner = g.add("Add", [x, g.add("Mul", [g.float(0.044715), cube])]);
  return g.add("Add", [g.float(1), g.add("Tanh", [g.add("Mul", [inner, g.float(Math.sqrt(2 / Math.PI))])])]);
};

const GELUS: Readonly<Record<string, Write>> = {
  "(x·gate)·½": (g, x) => g.add("Mul", [g.add("Mul", [x, gate(g, x)]), g.float(0.5)]),
  "(½·x)·gate": (g, x) => g.add("Mul", [g.add("Mul", [g.float(0.5), x]), gate(g, x)]),
  "x·(gate·½)": (g, x) => g.add("Mul", [x, g.add("Mul", [gate(g, x), g.float(0.5)])]),
  "with a factor in place of the divisor": (g, x) => {
    const erf = g.add("Erf", [g.add("Mul", [x, g.float(Math.SQRT1_2)])]);
    return g.add("Mul", [g.add("Mul", [x, g.float(0.5)]), g.add("Add", [g.float(1), erf])]);
  },
  "by tanh and a power": (g, x) =>
    g.add("Mul", [g.add("Mul", [x, g.float(0.5)]), tanhGate(g, x, g.add("Pow", [x, g.float(3)]))]),
  "by tanh and products": (g, x) =>
    g.add("Mul", [g.add("Mul", [x, g.float(0.5)]), tanhGate(g, x, g.add("Mul", [g.add("Mul", [x, x]), x]))]),
};

describe("recogniseGelu", () => {
  it.each(Object.entries(GELUS))("finds %s", async (name, write) => {
    const model = modelFrom([BATCH, 6, 8], write);
    const recognised = recogniseGelu(model);
    expect(opsOf(recognised)).toEqual(["Gelu"]);
    expect(recognised.graph.nodes[0]?.attributes.approximate !== undefined).toBe(name.includes("tanh"));
    expect(await gap(model, recognised)).toBeLessThan(2e-6);
  });

  it.each<[string, Write]>([
    [
      "another gate's x",
      (g, x) => g.add("Mul", [g.add("Mul", [g.add("Neg", [x]), gate(g, x)]), g.float(0.5)]),
    ],
    ["another factor", (g, x) => g.add("Mul", [g.add("Mul", [x, gate(g, x)]), g.float(0.25)])],
    ["no factor", (g, x) => g.add("Mul", [x, gate(g, x)])],
    ["sums that only look like it", (g, x) => g.add("Mul", [g.add("Add", [x, g.float(1)]), g.float(0.5)])],
  ])("leaves %s alone", (_, write) => {
    const model = modelFrom([BATCH, 6, 8], write);
    expect(recogniseGelu(model)).toBe(model);
  });
});

describe("the types of what is recognised", () => {
  it("are those of what was there", () => {
    const model = modelFrom([BATCH, 6, 8], (g, x) =>
      g.add("ReduceMean", [g.add("Div", normal(g, x)), g.ints([1])], { keepdims: int(0) }),
    );
    expect(recogniseLayerNorm(model).graph.outputs[0]?.shape).toEqual([BATCH, 8]);
  });
});
