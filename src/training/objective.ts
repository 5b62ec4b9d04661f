/**
 * @file What training minimises, written behind the logits as nodes: one loss for each image, so that images are
 * weighted by the seed of the gradient and padding images count for nothing.
 */
import { int } from "../onnx/attributes.js";
import type { GraphBuilder } from "../onnx/builder.js";
import type { Graph } from "../onnx/graph.js";
import { elementCount, tensorToNumbers } from "../onnx/tensor.js";
import type { Objective } from "./types.js";

/** Names of the graph's values that the loss is made of. */
export interface ObjectiveInputs {
  /** [batch, classes], as the model gives them. */
  readonly logits: string;
  /** [batch, classes] of class and distillation head; undefined where the model has one head. */
  readonly heads: readonly [string, string] | undefined;
  readonly targets: string;
  readonly teacherLogits: string | undefined;
}

/** −Σ target·log softmax(logits): [batch]. */
function crossEntropy(graph: GraphBuilder, logits: string, targets: string): string {
  const log = graph.add("LogSoftmax", [logits], { axis: int(-1) });
  return graph.add("Neg", [rowSum(graph, graph.add("Mul", [log, targets]))]);
}

const rowSum = (graph: GraphBuilder, value: string): string =>
  graph.add("ReduceSum", [value, graph.ints([-1])], { keepdims: int(0) });

/** Cross-entropy with the teacher's decision, the first of equals. */
function hardDistillation(graph: GraphBuilder, student: string, teacher: string, classes: number): string {
  const decided = graph.add("ArgMax", [teacher], { axis: int(-1), keepdims: int(0) });
  const values = graph.constant({
    dtype: "float32",
    dims: [2],
    bytes: new Uint8Array(Float32Array.of(0, 1).buffer),
  });
  return crossEntropy(graph, student, graph.add("OneHot", [decided, graph.int(classes), values]));
}

/** T²·KL(softmax(teacher/T) ‖ softmax(student/T)) (Hinton et al. 2015): the gradient keeps its size whatever T is. */
function softDistillation(
  graph: GraphBuilder,
  student: string,
  teacher: string,
  temperature: number,
): string {
  const softened = (logits: string): string =>
    graph.add("LogSoftmax", [graph.add("Mul", [logits, graph.float(1 / temperature)])], { axis: int(-1) });
  const wanted = softened(teacher);
  const gap = graph.add("Sub", [wanted, softened(student)]);
  const divergence = rowSum(graph, graph.add("Mul", [graph.add("Exp", [wanted]), gap]));
  return graph.add("Mul", [divergence, graph.float(temperature ** 2)]);
}

/**
 * Writes the losses, float32 [batch]. In distillation, (1 − alpha)·the labels' + alpha·the teacher's: of a model with two
 * heads the class head's and the distillation head's, of one with one head both of that one's (Hinton et al. 2015).
 */
export function writeLosses(
  graph: GraphBuilder,
  objective: Objective,
  { logits, heads, targets, teacherLogits }: ObjectiveInputs,
  classes: number,
): string {
  if (objective.kind === "cross-entropy") return crossEntropy(graph, logits, targets);
  if (teacherLogits === undefined) throw new RangeError("distillation needs the teacher's logits");
  const { mode, alpha, temperature } = objective;
  const [classHead, distillationHead] = heads ?? [logits, logits];
  const own = crossEntropy(graph, classHead, targets);
  const taught =
    mode === "hard"
      ? hardDistillation(graph, distillationHead, teacherLogits, classes)
      : softDistillation(graph, distillationHead, teacherLogits, temperature);
  return graph.add("Add", [
    graph.add("Mul", [own, graph.float(1 - alpha)]),
    graph.add("Mul", [taught, graph.float(alpha)]),
  ]);
}

/** The two heads whose mean the logits are, the class token's first; undefined where the graph has one. */
export function findHeads(graph: Graph, logits: string): readonly [string, string] | undefined {
  const maker = (name: string) => graph.nodes.find((node) => node.outputs[0] === name);
  const mean = maker(logits);
  const [sum = "", factor = ""] = mean?.inputs ?? [];
  const half = graph.constants.get(factor);
  const isHalf =
    half !== undefined &&
    elementCount(half.dims) === 1 &&
    tensorToNumbers(half)[0] === (mean?.op === "Mul" ? 0.5 : 2);
  const add = maker(sum);
  if ((mean?.op !== "Mul" && mean?.op !== "Div") || !isHalf || add?.op !== "Add") return undefined;
  const [first, second] = add.inputs;
  return first === undefined || second === undefined ? undefined : [first, second];
}
