/**
 * @file A half-precision model as an equivalent single-precision one. On the CPU ONNX Runtime computes float16 by
 * casting to float32 and back around every operator; and gradients of 1e-5 would not survive in it. A model exported
 * in double precision becomes a single-precision one, too: ONNX Runtime has no double convolutions.
 */
import type { Attribute, DataType, Graph, Model, Node, Tensor, ValueType } from "./graph.js";
import { float32Tensor, tensorToFloat32 } from "./tensor.js";

/** The floating-point types that become float32, as names and as TensorProto.DataType codes. */
interface Others {
  readonly dtypes: readonly DataType[];
  readonly codes: readonly number[];
}

const HALVES: Others = { dtypes: ["float16", "bfloat16"], codes: [10, 16] };
const ALL: Others = { dtypes: [...HALVES.dtypes, "float64"], codes: [...HALVES.codes, 11] };

/** TensorProto.DataType code. */
const FLOAT32 = 1;

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

/** The constant in float32; of half precision exact, −65504 and infinities included. */
function widenTensor(tensor: Tensor, others: Others): Tensor {
  return others.dtypes.includes(tensor.dtype) ? float32Tensor(tensor.dims, tensorToFloat32(tensor)) : tensor;
}

function widenType<T extends ValueType>(type: T, others: Others): T {
  return others.dtypes.includes(type.dtype) ? { ...type, dtype: "float32" } : type;
}

function widenAttribute(name: string, attribute: Attribute, others: Others): Attribute {
  if (attribute.kind === "tensor") return { kind: "tensor", value: widenTensor(attribute.value, others) };
  if (attribute.kind === "graph") return { kind: "graph", value: widenGraph(attribute.value, others) };
  const namesOther =
    attribute.kind === "int" && TYPE_ATTRIBUTES.includes(name) && others.codes.includes(attribute.value);
  return namesOther ? { kind: "int", value: FLOAT32 } : attribute;
}

function widenNode(node: Node, others: Others): Node {
  const entries = Object.entries(node.attributes);
  const attributes = entries.map(([name, value]) => [name, widenAttribute(name, value, others)] as const);
  return { ...node, attributes: Object.fromEntries(attributes) };
}

function widenGraph(graph: Graph, others: Others): Graph {
  return {
    name: graph.name,
    inputs: graph.inputs.map((input) => widenType(input, others)),
    outputs: graph.outputs.map((output) => widenType(output, others)),
    nodes: graph.nodes.map((node) => widenNode(node, others)),
    constants: new Map([...graph.constants].map(([name, tensor]) => [name, widenTensor(tensor, others)])),
    types: new Map([...graph.types].map(([name, type]) => [name, widenType(type, others)])),
  };
}

function usesAny(graph: Graph, others: Others): boolean {
  const isOther = (dtype: DataType): boolean => others.dtypes.includes(dtype);
  const inAttribute = ([name, attribute]: [string, Attribute]): boolean => {
    if (attribute.kind === "tensor") return isOther(attribute.value.dtype);
    if (attribute.kind === "graph") return usesAny(attribute.value, others);
    return widenAttribute(name, attribute, others) !== attribute;
  };
  return (
    graph.inputs.some((i) => isOther(i.dtype)) ||
    graph.outputs.some((o) => isOther(o.dtype)) ||
    [...graph.constants.values()].some((t) => isOther(t.dtype)) ||
    graph.nodes.some((node) => Object.entries(node.attributes).some(inAttribute))
  );
}

/**
 * The model with every float16 and bfloat16 made float32: inputs, outputs, constants, casts, and subgraphs; float64
 * as well where inputs or outputs have it (elsewhere it may do exact arithmetic on sizes). The very same model where
 * it has none. Casts between these become casts of float32 to float32, which `prepare` drops. Local functions must
 * have been inlined.
 */
export function widenHalf(model: Model): Model {
  const { graph } = model;
  const double = [...graph.inputs, ...graph.outputs].some((value) => value.dtype === "float64");
  const others = double ? ALL : HALVES;
  return usesAny(graph, others) ? { ...model, graph: widenGraph(graph, others) } : model;
}
