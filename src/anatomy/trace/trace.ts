/**
 * @file Follows tokens through a graph. Each exporter writes windows, rolls, padding, token order and merging in
 * its own way; rather than matching its patterns, we push integers that name the tokens through the data
 * movement and read off where they arrive. Nothing of the model is executed.
 */
import { dimAt } from "../../onnx/dim.js";
import type { Model, Node } from "../../onnx/graph.js";
import { foldConstants } from "../../onnx/shape/fold.js";
import { inferShapes } from "../../onnx/shape/infer-shapes.js";
import { tensorToFloat32, tensorToInts } from "../../onnx/tensor.js";
import { COMPUTE_RULES } from "./compute.js";
import type { IndexTensor } from "./index-tensor.js";
import { MOVEMENT_RULES } from "./movement.js";
import type { Origins } from "./origins.js";
import type { TraceContext, TraceMode, TraceResult } from "./rule.js";

export interface Trace {
  /** Value name → ids of `origins` at each position, for every value that comes from the seed and was followed. */
  readonly values: ReadonlyMap<string, IndexTensor>;
  /** Value name → why the trace was lost: at which node and for what reason. */
  readonly lost: ReadonlyMap<string, string>;
  readonly batch: number;
  readonly origins: Origins;
}

export interface TraceOptions {
  readonly mode: TraceMode;
  readonly origins: Origins;
  /** Where tokens are known: value name → ids. */
  readonly seeds: ReadonlyMap<string, IndexTensor>;
}

/** Dimensions of a value at a batch size; undefined where any is unknown. */
export function dimsAt(model: Model, name: string, batch: number): readonly number[] | undefined {
  const constant = model.graph.constants.get(name);
  if (constant !== undefined) return constant.dims;
  const dims = model.graph.types.get(name)?.shape?.map((d) => dimAt(d, batch));
  return dims?.every((d) => d !== null) ? dims : undefined;
}

const INTEGERS = new Set(["int64", "int32", "int16", "int8", "uint8", "uint16", "uint32", "uint64"]);

/** Where nodes are looked at: a model and the batch size at which its dimensions are taken. */
interface Subject {
  readonly model: Model;
  readonly batch: number;
}

/** Nodes of a model whose batch is settled, by output: what depended on N only is constant there. */
interface Settled extends Subject {
  readonly producers: ReadonlyMap<string, Node>;
}

function settle({ model, batch }: Subject): Settled {
  const inputs = model.graph.inputs.map((input) => ({
    ...input,
    shape: input.shape?.map((d) => dimAt(d, batch)),
  }));
  const settled = foldConstants(inferShapes({ ...model, graph: { ...model.graph, inputs } }));
  const producers = new Map(settled.graph.nodes.flatMap((n) => n.outputs.map((o) => [o, n] as const)));
  return { model: settled, batch, producers };
}

function contextOf(
  { model, batch }: Subject,
  node: Node,
  values: ReadonlyMap<string, IndexTensor>,
  options: TraceOptions,
): TraceContext {
  const nameAt = (index: number): string => node.inputs[index] ?? "";
  return {
    node,
    mode: options.mode,
    origins: options.origins,
    opset: model.opsets.get("") ?? model.opsets.get("ai.onnx") ?? 17,
    traced: (index) => values.get(nameAt(index)),
    dims: (index) => dimsAt(model, nameAt(index), batch),
    outputDims: (index) => dimsAt(model, node.outputs[index] ?? "", batch),
    ints: (index) => {
      const tensor = model.graph.constants.get(nameAt(index));
      return tensor !== undefined && INTEGERS.has(tensor.dtype) ? tensorToInts(tensor) : undefined;
    },
    constant: (index) => {
      const tensor = model.graph.constants.get(nameAt(index));
      if (tensor === undefined || tensor.dtype === "string") return undefined;
      return { dims: tensor.dims, data: tensorToFloat32(tensor) };
    },
  };
}

function traceNode(context: TraceContext): TraceResult {
  const { op } = context.node;
  const rule = MOVEMENT_RULES[op] ?? COMPUTE_RULES[op];
  if (rule === undefined) return "is an operator that tokens cannot be followed through";
  try {
    return rule(context);
  } catch (error) {
    // A graph that contradicts itself (a runtime would refuse it) must not end in a stack trace.
    if (error instanceof RangeError) return "has shapes that contradict each other";
    throw error;
  }
}

const sameDims = (a: readonly number[], b: readonly number[]): boolean =>
  a.length === b.length && a.every((d, i) => d === b[i]);

/** These read sizes, not content. */
const SHAPE_ONLY = new Set(["Shape", "Size", "ConstantOfShape", "EyeLike", "RandomNormalLike"]);

/** Pushes the seeds through every node that descends from them. */
export type Tracer = (options: TraceOptions) => Trace;

/** Traces of one model at one batch size; the model with that size settled is made once, if ever it is needed. */
export function tracerOf(model: Model, batch: number): Tracer {
  const subject = { model, batch };
  let settled: Settled | undefined;
  const settledOnce = (): Settled => {
    settled ??= settle(subject);
    return settled;
  };
  return (options) => trace(subject, settledOnce, options);
}

/** Traces a node as it stands; where that fails for what depends on the batch, as it is once the batch is settled. */
function traceEither(
  subject: Subject,
  settled: () => Settled,
  node: Node,
  values: ReadonlyMap<string, IndexTensor>,
  options: TraceOptions,
): TraceResult {
  const result = traceNode(contextOf(subject, node, values, options));
  if (typeof result !== "string") return result;
  const other = settled();
  const same = other.producers.get(node.outputs[0] ?? "");
  const again = same && traceNode(contextOf(other, same, values, options));
  return again === undefined || typeof again === "string" ? result : again;
}

function trace(subject: Subject, settled: () => Settled, options: TraceOptions): Trace {
  const { model, batch } = subject;
  const values = new Map(options.seeds);
  const lost = new Map<string, string>();
  for (const node of model.graph.nodes) {
    const outputs = node.outputs.filter((name) => name !== "" && !options.seeds.has(name));
    if (outputs.length === 0 || SHAPE_ONLY.has(node.op)) continue;
    const reason = node.inputs.map((name) => lost.get(name)).find((r) => r !== undefined);
    if (reason === undefined && !node.inputs.some((name) => values.has(name))) continue;
    const result = reason ?? traceEither(subject, settled, node, values, options);
    for (const [i, name] of node.outputs.entries()) {
      if (name === "" || options.seeds.has(name)) continue;
      const found = typeof result === "string" ? undefined : result[i];
      if (found === "constant") continue;
      const expected = dimsAt(model, name, batch);
      if (found !== undefined && (expected === undefined || sameDims(found.dims, expected))) {
        values.set(name, found);
      } else {
        const at = `${node.op}${node.name === "" ? "" : ` "${node.name}"`}`;
        const why = typeof result === "string" ? result : "has a shape that was not expected";
        lost.set(name, reason ?? `${at} ${why}`);
      }
    }
  }
  return { values, lost, batch, origins: options.origins };
}
