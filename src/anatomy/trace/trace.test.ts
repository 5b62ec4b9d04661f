import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { int, ints } from "../../onnx/attributes.js";
import { GraphBuilder } from "../../onnx/builder.js";
import { BATCH, type Shape } from "../../onnx/dim.js";
import type { Model } from "../../onnx/graph.js";
import { foldConstants } from "../../onnx/shape/fold.js";
import { inferShapes } from "../../onnx/shape/infer-shapes.js";
import { float32Tensor, int64Tensor, tensorToInts } from "../../onnx/tensor.js";
import { fromData, toArray } from "./index-tensor.js";
import { NOWHERE, Origins } from "./origins.js";
import type { TraceMode } from "./rule.js";
import { tracerOf } from "./trace.js";

/** A step of data movement on the value `x` of the given shape. */
type Step = (b: GraphBuilder, x: string, dims: readonly number[]) => string;

const rolled =
  (axis: number, shift: number): Step =>
  (b, x, dims) => {
    const length = dims[axis] ?? 1;
    const at = shift % length;
    const part = (from: number, to: number): string =>
      b.add("Slice", [x, b.ints([from]), b.ints([to]), b.ints([axis])]);
    return b.add("Concat", [part(at, 2 ** 40), part(0, at)], { axis: int(axis) });
  };

const padded =
  (axis: number, after: number): Step =>
  (b, x, dims) =>
    b.add("Pad", [x, b.ints([...dims.map(() => 0), ...dims.map((_, i) => (i === axis ? after : 0))])]);

const split =
  (axis: number): Step =>
  (b, x, dims) => {
    const length = dims[axis] ?? 1;
    const factor = length % 2 === 0 ? 2 : 1;
    const cut = dims.flatMap((d, i) => (i === axis ? [d / factor, factor] : [d]));
    const swapped = cut.map((_, i) => (i === axis ? cut.length - 1 : i === cut.length - 1 ? axis : i));
    return b.add("Transpose", [b.add("Reshape", [x, b.ints(cut)])], { perm: ints(swapped) });
  };

const gathered =
  (axis: number): Step =>
  (b, x, dims) => {
    const order = Array.from({ length: dims[axis] ?? 1 }, (_, i) => -1 - i);
    return b.add("Gather", [x, b.ints(order)], { axis: int(axis) });
  };

const merged: Step = (b, x, dims) =>
  dims.length < 2 ? x : b.add("Reshape", [x, b.ints([-1, ...dims.slice(2)])]);

const steps = fc.array(
  fc.tuple(fc.constantFrom("roll", "pad", "split", "gather", "merge"), fc.nat(20), fc.nat(20)),
  { maxLength: 6 },
);

function applySteps(
  b: GraphBuilder,
  start: string,
  chain: readonly (readonly [string, number, number])[],
): string {
  let x = start;
  for (const [kind, a, n] of chain) {
    const dims = (b.shapeOf(x) ?? []) as readonly number[];
    const axis = a % dims.length;
    const step: Record<string, Step> = {
      roll: rolled(axis, n),
      pad: padded(axis, n % 3),
      split: split(axis),
      gather: gathered(axis),
      merge: merged,
    };
    x = step[kind]?.(b, x, dims) ?? x;
  }
  return x;
}

function modelOf(build: (b: GraphBuilder) => string, dtype: "float32" | "int64", shape?: Shape): Model {
  const b = GraphBuilder.empty();
  if (shape !== undefined) b.input({ name: "x", dtype, shape });
  const graph = b.build([b.add("Identity", [build(b)], {}, { outputs: ["y"] })]);
  return {
    irVersion: 9,
    opsets: new Map([["", 20]]),
    producer: "",
    metadata: new Map(),
    graph,
    functions: [],
  };
}

function traced(
  model: Model,
  dims: readonly number[],
  mode: TraceMode = "place",
): { readonly ids: number[][] | undefined; readonly lost: string | undefined } {
  const origins = new Origins();
  const count = dims.reduce((p, d) => p * d, 1);
  const seed = fromData(
    dims,
    Int32Array.from({ length: count }, (_, i) => origins.single(i)),
  );
  const trace = tracerOf(model, dims[0] ?? 1)({ mode, origins, seeds: new Map([["x", seed]]) });
  const y = trace.values.get("y");
  return {
    ids: y === undefined ? undefined : [...toArray(y)].map((id) => [...origins.members(id)]),
    lost: trace.lost.get("y"),
  };
}

describe("tracing", () => {
  it("follows any chain of rolls, padding, splits, gathers and merges as the data itself goes", () => {
    fc.assert(
      fc.property(steps, (chain) => {
        const dims = [2, 4, 3];
        // The oracle: the same chain on numbers, computed by constant folding; 0 is the padding.
        const numbers = Array.from({ length: 24 }, (_, i) => i + 1);
        const known = modelOf((b) => applySteps(b, b.constant(int64Tensor(dims, numbers)), chain), "int64");
        const folded = foldConstants(inferShapes(known)).graph;
        const constant = folded.constants.get("y") ?? folded.constants.get(folded.nodes[0]?.inputs[0] ?? "");
        const expected = constant === undefined ? undefined : tensorToInts(constant);
        const { ids } = traced(
          modelOf((b) => applySteps(b, "x", chain), "int64", dims),
          dims,
        );
        expect(expected).toBeDefined();
        expect(ids?.map(([place = -1]) => place + 1)).toEqual(expected);
      }),
      { numRuns: 60 },
    );
  });

  it("makes one token of what a product with weights sums over", () => {
    const { ids } = traced(
      modelOf(
        (b) => b.add("MatMul", ["x", b.constant(float32Tensor([3, 2], [1, 2, 3, 4, 5, 6]))]),
        "float32",
        [2, 3],
      ),
      [2, 3],
    );
    expect(ids).toEqual([
      [0, 1, 2],
      [0, 1, 2],
      [3, 4, 5],
      [3, 4, 5],
    ]);
  });

  it("leaves out tokens that a constant left operand weighs with zero", () => {
    const { ids } = traced(
      modelOf(
        (b) => b.add("MatMul", [b.constant(float32Tensor([2, 3], [0, 1, 2, 0, 0, 0])), "x"]),
        "float32",
        [3, 1],
      ),
      [3, 1],
    );
    expect(ids).toEqual([[1, 2], []]);
  });

  it("keeps the query's place through attention, and sees the keys when asked what is read", () => {
    const attention = modelOf(
      (b) => {
        const scores = b.add("MatMul", ["x", b.add("Transpose", ["x"], { perm: ints([1, 0]) })]);
        return b.add("MatMul", [b.add("Softmax", [scores], { axis: int(-1) }), "x"]);
      },
      "float32",
      [3, 1],
    );
    expect(traced(attention, [3, 1]).ids).toEqual([[0], [1], [2]]);
    expect(traced(attention, [3, 1], "reads").ids).toEqual(Array(3).fill([0, 1, 2]));
  });

  it("tells class tokens and padding as coming from nowhere", () => {
    const { ids } = traced(
      modelOf(
        (b) => b.add("Concat", [b.constant(float32Tensor([1, 1], [5])), "x"], { axis: int(0) }),
        "float32",
        [2, 1],
      ),
      [2, 1],
    );
    expect(ids).toEqual([[], [0], [1]]);
    expect(NOWHERE).toBe(0);
  });

  it("settles indices that depend on the batch only", () => {
    const model = modelOf(
      (b) => {
        const n = b.add("Gather", [b.add("Shape", ["x"]), b.int(0)]);
        return b.add("Gather", ["x", b.add("Range", [b.int(0), n, b.int(1)])], { axis: int(0) });
      },
      "float32",
      [BATCH, 1],
    );
    expect(traced(inferShapes(model), [2, 1]).ids).toEqual([[0], [1]]);
  });

  it("says at which node and why it lost the tokens", () => {
    const { ids, lost } = traced(
      modelOf((b) => b.add("CumSum", ["x", b.int(0)], {}, { name: "running" }), "float32", [3, 1]),
      [3, 1],
    );
    expect(ids).toBeUndefined();
    expect(lost).toMatch(/CumSum "running"/);
  });

  it("leaves positions where they are in a same-size convolution, and joins the cells of a strided one", () => {
    const conv = (stride: number, pad: number, kernel: number): Model =>
      modelOf(
        (b) =>
          b.add(
            "Conv",
            ["x", b.constant(float32Tensor([1, 1, kernel, kernel], new Float32Array(kernel ** 2)))],
            {
              strides: ints([stride, stride]),
              pads: ints([pad, pad, pad, pad]),
              kernel_shape: ints([kernel, kernel]),
            },
          ),
        "float32",
        [1, 1, 2, 2],
      );
    expect(traced(conv(1, 1, 3), [1, 1, 2, 2]).ids).toEqual([[0], [1], [2], [3]]);
    expect(traced(conv(1, 1, 3), [1, 1, 2, 2], "reads").ids).toEqual(Array(4).fill([0, 1, 2, 3]));
    expect(traced(conv(2, 0, 2), [1, 1, 2, 2]).ids).toEqual([[0, 1, 2, 3]]);
  });
});
