/**
 * @file A graph from ONNX's message: constants gathered from wherever exporters put them, nodes in order, and
 * every value made exactly once.
 */
import { dataTypeFromCode } from "../data-type.js";
import { BATCH, type Dim } from "../dim.js";
import { VitreousError } from "../errors.js";
import type { Graph, Node, Tensor, ValueInfo } from "../graph.js";
import { describeNode, neededBy, orderNodes } from "../order.js";
import type { GraphProto, TensorShapeProto_Dimension, ValueInfoProto } from "../proto/generated/onnx_pb.js";
import type { AttributeReaders } from "./attribute.js";
import { constantValue, isConstantNode } from "./constant-node.js";
import { readNodes } from "./node.js";

/** The name of the symbol that is the batch: the first axis of the first input that has a symbol there. */
export function batchSymbol(inputs: readonly ValueInfoProto[]): string | undefined {
  for (const { type } of inputs) {
    if (type?.value.case !== "tensorType") continue;
    const first = type.value.value.shape?.dim[0]?.value;
    if (first?.case === "dimParam" && first.value !== "") return first.value;
  }
  return undefined;
}

function readDim(dim: TensorShapeProto_Dimension, batch: string | undefined): Dim {
  // Some exporters write 0 or -1 for "any".
  if (dim.value.case === "dimValue") return dim.value.value > 0n ? Number(dim.value.value) : null;
  return dim.value.case === "dimParam" && dim.value.value === batch ? BATCH : null;
}

function readValueInfo(proto: ValueInfoProto, batch: string | undefined): ValueInfo {
  const type = proto.type?.value;
  if (type?.case !== "tensorType") return { name: proto.name, dtype: "other", shape: undefined };
  const shape = type.value.shape?.dim.map((d) => readDim(d, batch));
  return { name: proto.name, dtype: dataTypeFromCode(type.value.elemType), shape };
}

function readInitialisers(proto: GraphProto, read: AttributeReaders): Map<string, Tensor> {
  if (proto.sparseInitializer.length > 0) {
    throw new VitreousError(
      "The model keeps weights as sparse tensors, which are not supported. Export it with dense weights.",
    );
  }
  const constants = new Map<string, Tensor>();
  for (const bytes of proto.initializer) {
    const { name, tensor } = read.tensor(bytes, "Weight");
    if (constants.has(name)) throw notOnce(name);
    constants.set(name, tensor);
  }
  return constants;
}

function notOnce(name: string): VitreousError {
  return new VitreousError(
    `The model defines the value "${name.slice(0, 200)}" more than once: it is damaged. Export it again.`,
  );
}

/** Throws unless every value is made once. */
function checkUnique(
  inputs: readonly ValueInfo[],
  constants: Iterable<string>,
  nodes: readonly Node[],
): Set<string> {
  const defined = new Set<string>();
  const define = (name: string): void => {
    if (defined.has(name)) throw notOnce(name);
    defined.add(name);
  };
  for (const name of constants) define(name);
  for (const input of inputs) define(input.name);
  for (const node of nodes) for (const output of node.outputs) if (output !== "") define(output);
  return defined;
}

/** A graph or subgraph; values that a subgraph takes from around it are not looked for. */
export function readGraph(proto: GraphProto, read: AttributeReaders): Graph {
  const initialisers = readInitialisers(proto, read);
  const { batch } = read;
  // Up to IR version 3 every initialiser was listed as an input, too.
  const inputs = proto.input.filter((i) => !initialisers.has(i.name)).map((i) => readValueInfo(i, batch));
  const outputs = proto.output.map((o) => readValueInfo(o, batch));
  const all = readNodes(proto.node, read);
  checkUnique(inputs, initialisers.keys(), all);
  const constants = initialisers;
  const nodes = all.filter((node) => {
    if (!isConstantNode(node)) return true;
    const name = node.outputs[0] ?? "";
    if (name !== "") constants.set(name, constantValue(node));
    return false;
  });
  return { name: proto.name, inputs, outputs, nodes: orderNodes(nodes), constants, types: new Map() };
}

/** Throws VitreousError unless the model's main graph computes something from something, and every value in it is defined. */
export function checkMainGraph(graph: Graph): void {
  if (graph.inputs.length === 0)
    throw new VitreousError("The model has no input. Export it with an image input.");
  if (graph.outputs.length === 0) throw new VitreousError("The model has no output. Export it again.");
  if (graph.nodes.length === 0)
    throw new VitreousError("The model's graph has no operators: it computes nothing.");
  const defined = checkUnique(graph.inputs, graph.constants.keys(), graph.nodes);
  for (const node of graph.nodes) {
    const missing = neededBy(node).find((name) => !defined.has(name));
    if (missing === undefined) continue;
    throw new VitreousError(
      `Node ${describeNode(node)} needs the value "${missing}", which nothing in the model defines: it is damaged. Export it again.`,
    );
  }
  const output = graph.outputs.find((o) => !defined.has(o.name));
  if (output !== undefined) {
    throw new VitreousError(
      `Nothing in the model computes its output "${output.name}": it is damaged. Export it again.`,
    );
  }
}
