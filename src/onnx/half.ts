/**
 * @file A half-precision model as an equivalent single-precision one. On the CPU ONNX Runtime computes float16 by
 * casting to float32 and back around every operator; and gradients of 1e-5 would not survive in it.
 */
import type { Attribute, DataType, Graph, Model, Node, Tensor, ValueType } from "./graph.js";
import { float32Tensor, tensorToFloat32 } from "./tensor.js";

const isHalf = (dtype: DataType): boolean => dtype === "float16" || dtype === "bfloat16";

/** TensorProto.DataType codes. */
const FLOAT32 = 1;
const HALF_CODES: readonly number[] = [10, 16];

/**
 * Attributes whose value is an element type: Cast's `to`; `dtype` of generators; LayerNormalization's
 * `stash_type`; Attention's `softmax_precision`; and those of quantisation and windows.
 */
const TYPE_ATTRIBUTES: readonly string[] = [
  "to",
  "dtype",
  "stash_type",
  "softmax_precision",
  "output_dtype",
  "output_datatype",
];

/** The constant in float32; exact, −65504 and infinities included. */
function widenTensor(tensor: Tensor): Tensor {
  return isHalf(tensor.dtype) ? float32Tensor(tensor.dims, tensorToFloat32(tensor)) : tensor;
}

function widenType<T extends ValueType>(type: T): T {
  return isHalf(type.dtype) ? { ...type, dtype: "float32" } : type;
}

function widenAttribute(name: string, attribute: Attribute): Attribute {
  if (attribute.kind === "tensor") return { kind: "tensor", value: widenTensor(attribute.value) };
  if (attribute.kind === "graph") return { kind: "graph", value: widenGraph(attribute.value) };
  const namesHalf =
    attribute.kind === "int" && TYPE_ATTRIBUTES.includes(name) && HALF_CODES.includes(attribute.value);
  return namesHalf ? { kind: "int", value: FLOAT32 } : attribute;
}

function widenNode(node: Node): Node {
  const entries = Object.entries(node.attributes);
  const attributes = entries.map(([name, value]) => [name, widenAttribute(name, value)] as const);
  return { ...node, attributes: Object.fromEntries(attributes) };
}

function widenGraph(graph: Graph): Graph {
  return {
    name: graph.name,
    inputs: graph.inputs.map(widenType),
    outputs: graph.outputs.map(widenType),
    nodes: graph.nodes.map(widenNode),
    constants: new Map([...graph.constants].map(([name, tensor]) => [name, widenTensor(tensor)])),
    types: new Map([...graph.types].map(([name, type]) => [name, widenType(type)])),
  };
}

function usesHalf(graph: Graph): boolean {
  const inAttribute = ([name, attribute]: [string, Attribute]): boolean => {
    if (attribute.kind === "tensor") return isHalf(attribute.value.dtype);
    if (attribute.kind === "graph") return usesHalf(attribute.value);
    return widenAttribute(name, attribute) !== attribute;
  };
  return (
    graph.inputs.some((i) => isHalf(i.dtype)) ||
    graph.outputs.some((o) => isHalf(o.dtype)) ||
    [...graph.constants.values()].some((t) => isHalf(t.dtype)) ||
    graph.nodes.some((node) => Object.entries(node.attributes).some(inAttribute))
  );
}

/**
 * The model with every float16 and bfloat16 made float32: inputs, outputs, constants, casts, and subgraphs. The
 * very same model where it has none. Casts between halves and floats become casts of float32 to float32, which
 * `prepare` drops. Local functions must have been inlined.
 */
export function widenHalf(model: Model): Model {
  return usesHalf(model.graph) ? { ...model, graph: widenGraph(model.graph) } : model;
}
