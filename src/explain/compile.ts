/**
 * @file Methods compiled into a graph: the model's forward pass, the gradients that the methods' expressions name,
 * the expressions themselves, and nothing else. One graph serves all methods of a run, so what they share is
 * computed once.
 */
import type { Anatomy } from "../anatomy/anatomy.js";
import { gradients } from "../autodiff/gradients.js";
import { int, ints } from "../onnx/attributes.js";
import { GraphBuilder } from "../onnx/builder.js";
import { BATCH } from "../onnx/dim.js";
import type { Model } from "../onnx/graph.js";
import { simplify } from "../onnx/rewrite/simplify.js";
import { float32Tensor } from "../onnx/tensor.js";
import type { Expr } from "./expression.js";
import type { Method } from "./method.js";

/** Input of a compiled graph with given targets: ∂(explained scalar)/∂logits, float32 [N, classes]. */
export const SEED_INPUT = "vitreous.seed";

/** "top": each image's predicted class, found in the graph. "given": through SEED_INPUT. */
export type TargetMode = "top" | "given";

export interface Compiled {
  readonly model: Model;
  readonly mode: TargetMode;
  /** Name of the logits output, [N, classes]. */
  readonly logits: string;
  /** For each method, from its tap's name to the graph's output. */
  readonly taps: readonly Readonly<Record<string, string>>[];
}

/** Ready to be loaded. Throws VitreousError where the model has an operator without a gradient. */
export function compileMethods(
  model: Model,
  anatomy: Anatomy,
  methods: readonly Method[],
  mode: TargetMode,
): Compiled {
  const assembled = assembleMethods(model, anatomy, methods, mode);
  return { ...assembled, model: simplify(assembled.model) };
}

/** The same, not simplified yet, which takes most of the time: enough to know whether there is a gradient. */
export function assembleMethods(
  model: Model,
  anatomy: Anatomy,
  methods: readonly Method[],
  mode: TargetMode,
): Compiled {
  const { logits } = anatomy.output;
  const expressions = methods.map((method) => method.taps(anatomy));
  const all = expressions.flatMap((taps) => Object.values(taps));
  const activations = [...new Set(all.flatMap((e) => [...valuesIn(e)]))];
  const wrt = [...new Set(all.flatMap((e) => [...gradientsIn(e)]))];

  const seeded = GraphBuilder.extending(model);
  const seed = addSeed(seeded, logits, anatomy.output.classes, mode);
  const forward = { ...model, graph: seeded.build([logits, seed, ...activations, ...wrt]) };
  const backward = wrt.length === 0 ? undefined : gradients(forward, { of: [{ value: logits, seed }], wrt });

  const builder = GraphBuilder.extending(backward?.model ?? forward);
  const emitted = new Map<string, string>();
  const emit = (e: Expr): string => {
    const key = JSON.stringify(e);
    const known = emitted.get(key);
    if (known !== undefined) return known;
    const name = emitNode(builder, e, emit, (of) => backward?.gradients.get(of) ?? missing(of));
    emitted.set(key, name);
    return name;
  };
  const taps = expressions.map((named) =>
    Object.fromEntries(Object.entries(named).map(([name, e]) => [name, emit(e)])),
  );
  const outputs = [...new Set([logits, ...taps.flatMap((t) => Object.values(t))])];
  const graph = builder.build(outputs);
  return { model: { ...model, graph }, mode, logits, taps };
}

/** Whether a method asks for gradients: one that does not works on models that cannot be differentiated. */
export function usesGradients(method: Method, anatomy: Anatomy): boolean {
  return Object.values(method.taps(anatomy)).some((e) => !gradientsIn(e).next().done);
}

function missing(of: string): never {
  throw new RangeError(`no gradient was made for ${of}`);
}

function addSeed(builder: GraphBuilder, logits: string, classes: number, mode: TargetMode): string {
  if (mode === "given") {
    return builder.input({ name: SEED_INPUT, dtype: "float32", shape: [BATCH, classes] });
  }
  const top = builder.add("ArgMax", [logits], { axis: int(1), keepdims: int(0) }, { hint: "vitreous.top" });
  const values = builder.constant(float32Tensor([2], Float32Array.of(0, 1)), "vitreous.off_on");
  return builder.add("OneHot", [top, builder.int(classes), values], { axis: int(1) }, { hint: SEED_INPUT });
}

function emitNode(
  builder: GraphBuilder,
  e: Expr,
  emit: (e: Expr) => string,
  gradientOf: (name: string) => string,
): string {
  switch (e.op) {
    case "value":
      return e.name;
    case "gradient":
      return gradientOf(e.of);
    case "mul":
      return builder.add("Mul", [emit(e.a), emit(e.b)]);
    case "matmul":
      return builder.add("MatMul", [emit(e.a), emit(e.b)]);
    case "relu":
      return builder.add("Relu", [emit(e.x)]);
    case "abs":
      return builder.add("Abs", [emit(e.x)]);
    case "mean":
    case "max":
    case "min":
    case "sum": {
      const op = { mean: "ReduceMean", max: "ReduceMax", min: "ReduceMin", sum: "ReduceSum" }[e.op];
      return builder.add(op, [emit(e.x), builder.ints(e.axes)], { keepdims: int(e.keepdims ? 1 : 0) });
    }
    case "slice":
      return builder.add("Slice", [
        emit(e.x),
        builder.ints([e.start]),
        builder.ints([e.end]),
        builder.ints([e.axis]),
      ]);
    case "reshape":
      return builder.add("Reshape", [emit(e.x), builder.ints(e.shape)]);
    case "transpose":
      return builder.add("Transpose", [emit(e.x)], { perm: ints(e.perm) });
  }
}

function* subexpressions(e: Expr): Generator<Expr> {
  yield e;
  if ("a" in e) {
    yield* subexpressions(e.a);
    yield* subexpressions(e.b);
  }
  if ("x" in e) yield* subexpressions(e.x);
}

function* valuesIn(e: Expr): Generator<string> {
  for (const s of subexpressions(e)) if (s.op === "value") yield s.name;
}

function* gradientsIn(e: Expr): Generator<string> {
  for (const s of subexpressions(e)) if (s.op === "gradient") yield s.of;
}
