/**
 * @file For tests: the gradient of a small graph against finite differences, element by element. In float64 where ONNX
 * Runtime has the operators in it, else in float32 with what precision that leaves.
 */
import * as fc from "fast-check";
import * as ort from "onnxruntime-node";
import { GraphBuilder } from "../../onnx/builder.js";
import { BATCH, dimAt, type Shape } from "../../onnx/dim.js";
import type { Graph, Model } from "../../onnx/graph.js";
import { joinPieces, writeModel } from "../../onnx/write.js";
import { gradients } from "../gradients.js";

export interface Case {
  /** Shapes of the inputs x0, x1, … whose gradients are checked. */
  readonly shapes: readonly (readonly number[])[];
  /** Writes the graph; gives its output. */
  readonly body: (builder: GraphBuilder, inputs: readonly string[]) => string;
  readonly dtype?: "float32" | "float64";
  /** Values come from [low, high]. */
  readonly range?: readonly [number, number];
  /** Kinks, from which values keep away. */
  readonly kinks?: readonly number[];
  /** Values all at least 0.3 apart, for operators that compare. */
  readonly distinct?: boolean;
  /** Whether the first axis of all inputs is the symbolic batch. */
  readonly batch?: boolean;
  readonly seed?: number;
}

const OPSET = 20;
/** Largest difference allowed, relative to the largest gradient. */
const TOLERANCE = { float64: 1e-7, float32: 5e-4 };
const STEP = { float64: 1e-3, float32: 2 ** -5 };

export function modelOf(graph: Graph): Model {
  return {
    irVersion: 9,
    opsets: new Map([
      ["", OPSET],
      ["com.microsoft", 1],
    ]),
    producer: "",
    metadata: new Map(),
    graph,
    functions: [],
  };
}

/** Reproducible values in [0, 1). */
export function random(seed: number): () => number {
  let state = (seed ^ 0x9e3779b9) >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let z = state;
    z = Math.imul(z ^ (z >>> 15), z | 1);
    z ^= z + Math.imul(z ^ (z >>> 7), z | 61);
    return ((z ^ (z >>> 14)) >>> 0) / 2 ** 32;
  };
}

const count = (dims: readonly number[]): number => dims.reduce((n, d) => n * d, 1);

function values(c: Case, dims: readonly number[], next: () => number): number[] {
  const [low, high] = c.range ?? [-2, 2];
  const size = count(dims);
  if (c.distinct) {
    const order = Array.from({ length: size }, (_, i) => ({ i, key: next() })).sort((a, b) => a.key - b.key);
    return order.map(({ i }) => (i - size / 2) * 0.3 + 0.1);
  }
  return Array.from({ length: size }, () => {
    for (;;) {
      const value = low + (high - low) * next();
      if (!c.kinks?.some((kink) => Math.abs(kink - value) < 0.15)) return value;
    }
  });
}

/** Loads a graph as it is: what is checked is what was written. */
async function load(graph: Graph, outputs: readonly string[]): Promise<ort.InferenceSession> {
  const declared = outputs.map((name) => ({
    name,
    dtype: graph.types.get(name)?.dtype ?? "float32",
    shape: undefined,
  }));
  const bytes = joinPieces(writeModel(modelOf({ ...graph, outputs: declared })));
  return ort.InferenceSession.create(bytes, {
    graphOptimizationLevel: "disabled",
    intraOpNumThreads: 1,
    logSeverityLevel: 3,
  });
}

/** The extents of a shape whose batch is the first extent of x0. */
function extents(shape: Shape | undefined, c: Case): readonly number[] {
  return (shape ?? []).map((extent) => dimAt(extent, c.shapes[0]?.[0] ?? 1) ?? Number.NaN);
}

/** Distance of the graph's gradients from finite differences, relative to the largest gradient of each input. */
export async function gradientError(c: Case): Promise<number> {
  const dtype = c.dtype ?? "float64";
  const next = random(c.seed ?? 1);
  const builder = GraphBuilder.empty("check", OPSET);
  const inputs = c.shapes.map((dims, i) => {
    const shape = dims.map((extent, axis) => (c.batch && axis === 0 ? BATCH : extent));
    return builder.input({ name: `x${i}`, dtype, shape });
  });
  const y = c.body(builder, inputs);
  builder.input({ name: "seed", dtype, shape: builder.shapeOf(y) });
  const graph = builder.build([y]);
  const result = gradients(modelOf(graph), { of: [{ value: y, seed: "seed" }], wrt: inputs });
  const names = inputs.map((name) => result.gradients.get(name) ?? "");

  const array = (data: readonly number[], dims: readonly number[]) =>
    dtype === "float64"
      ? new ort.Tensor("float64", Float64Array.from(data), dims)
      : new ort.Tensor("float32", Float32Array.from(data), dims);
  const data = c.shapes.map((dims) => values(c, dims, next));
  const outputDims = extents(builder.shapeOf(y), c);
  const weights = Array.from({ length: count(outputDims) }, () => next() * 2 - 1);
  const feeds = (at: readonly (readonly number[])[]) => ({
    ...Object.fromEntries(inputs.map((name, i) => [name, array(at[i] ?? [], c.shapes[i] ?? [])])),
    seed: array(weights, outputDims),
  });

  const backward = await load(result.model.graph, names);
  const fetched = await backward.run(feeds(data));
  await backward.release();
  const forward = await load(graph, [y]);
  const scalar = async (at: readonly (readonly number[])[]) => {
    const { data: out } = (await forward.run(feeds(at)))[y] as ort.TypedTensor<"float32">;
    if (out.length !== weights.length) throw new Error(`${out.length} outputs, ${weights.length} inferred`);
    return out.reduce((sum, v, i) => sum + v * (weights[i] ?? 0), 0);
  };
  const h = STEP[dtype];
  let error = 0;
  for (const [i, list] of data.entries()) {
    const actual = fetched[names[i] ?? ""]?.data as Float32Array;
    if (actual.length !== list.length) return Number.POSITIVE_INFINITY;
    const expected: number[] = [];
    for (const [j, value] of list.entries()) {
      const at = (offset: number) =>
        scalar(data.map((other, k) => (k === i ? other.with(j, value + offset) : other)));
      // Five points: the error is of fourth order in h.
      const near = (await at(h)) - (await at(-h));
      const far = (await at(2 * h)) - (await at(-2 * h));
      expected.push((8 * near - far) / (12 * h));
    }
    const scale = Math.max(1e-3, ...expected.map(Math.abs));
    for (const [j, value] of expected.entries()) {
      const difference = Math.abs((actual[j] ?? Number.NaN) - value) / scale;
      error = Number.isNaN(difference) ? Number.POSITIVE_INFINITY : Math.max(error, difference);
    }
  }
  await forward.release();
  return error;
}

/** Throws unless the gradients agree with finite differences. */
export async function checkGradient(c: Case): Promise<void> {
  const error = await gradientError(c);
  const tolerance = TOLERANCE[c.dtype ?? "float64"];
  if (!(error <= tolerance)) throw new Error(`relative error ${error} of the gradient, ${tolerance} allowed`);
}

/** Checks `runs` cases that fast-check makes up; the seed is fixed. */
export async function checkProperty<T>(
  arbitrary: fc.Arbitrary<T>,
  make: (value: T) => Case,
  runs = 12,
): Promise<void> {
  const property = fc.asyncProperty(arbitrary, fc.nat(), (value, seed) =>
    checkGradient({ seed, ...make(value) }),
  );
  await fc.assert(property, { numRuns: runs, seed: 20251121, endOnFailure: true });
}

/** A shape with few elements. */
export const shapes = (least = 1, most = 4): fc.Arbitrary<number[]> =>
  fc.array(fc.integer({ min: 1, max: 3 }), { minLength: least, maxLength: most });

/** Two shapes that broadcast together: some axes become 1, some leading ones are missing. */
export const broadcastPair: fc.Arbitrary<[number[], number[]]> = shapes(1, 3).chain((full) =>
  fc
    .tuple(
      fc.tuple(...full.map((d) => fc.constantFrom(1, d))),
      fc.tuple(...full.map((d) => fc.constantFrom(1, d))),
      fc.nat({ max: full.length }),
      fc.boolean(),
    )
    .map(([a, b, missing, first]) => {
      const cut = [a.slice(missing), [...b]];
      return (first ? cut : cut.toReversed()) as [number[], number[]];
    }),
);
