/**
 * @file An attribute of a node, from ONNX's message to a typed value.
 */
import { VitreousError } from "../errors.js";
import type { Attribute, Graph, Tensor } from "../graph.js";
import { valueKind } from "../proto/attribute-kind.js";
import type { GraphProto } from "../proto/generated/onnx_pb.js";
import { type AttributeProto, AttributeProto_AttributeType as Kind } from "../proto/generated/onnx_pb.js";

/** How to read what attributes contain. */
export interface AttributeReaders {
  readonly tensor: (bytes: Uint8Array, label: string) => { readonly name: string; readonly tensor: Tensor };
  readonly graph: (graph: GraphProto) => Graph;
  /** The symbol that stands for the batch in dimensions, where it has a name. */
  readonly batch: string | undefined;
}

const decoder = new TextDecoder();
const decode = (bytes: Uint8Array): string => decoder.decode(bytes);

/** Very old exporters leave the kind out; then the field that is set says it. */
function kindOf(proto: AttributeProto): Kind {
  if (proto.type !== Kind.UNDEFINED) return proto.type;
  if (proto.g !== undefined) return Kind.GRAPH;
  if (Object.hasOwn(proto, "t")) return Kind.TENSOR;
  if (Object.hasOwn(proto, "s")) return Kind.STRING;
  if (Object.hasOwn(proto, "f")) return Kind.FLOAT;
  if (Object.hasOwn(proto, "i")) return Kind.INT;
  if (proto.floats.length > 0) return Kind.FLOATS;
  if (proto.strings.length > 0) return Kind.STRINGS;
  return Kind.INTS;
}

/**
 * The attribute's value. 64-bit integers become the nearest numbers, so INT64_MAX becomes 2⁶³ (and is written
 * back as INT64_MAX). `where` names the node for messages. Throws VitreousError for kinds no transformer uses.
 */
export function readAttribute(proto: AttributeProto, where: string, read: AttributeReaders): Attribute {
  if (proto.refAttrName !== "") {
    const of = valueKind(proto.type);
    return { kind: "reference", value: proto.refAttrName, ...(of === undefined ? {} : { of }) };
  }
  const label = `attribute "${proto.name}" of ${where}`;
  switch (kindOf(proto)) {
    case Kind.FLOAT:
      return { kind: "float", value: proto.f };
    case Kind.INT:
      return { kind: "int", value: Number(proto.i) };
    case Kind.STRING:
      return { kind: "string", value: decode(proto.s) };
    case Kind.TENSOR:
      return { kind: "tensor", value: read.tensor(proto.t, `The tensor in ${label},`).tensor };
    case Kind.GRAPH:
      if (proto.g === undefined) throw new VitreousError(`The ${label} holds no graph: the file is damaged.`);
      return { kind: "graph", value: read.graph(proto.g) };
    case Kind.FLOATS:
      return { kind: "floats", value: proto.floats };
    case Kind.INTS:
      return { kind: "ints", value: proto.ints.map(Number) };
    case Kind.STRINGS:
      return { kind: "strings", value: proto.strings.map(decode) };
    default:
      throw new VitreousError(`The ${label} is of kind ${Kind[proto.type]}, which is not supported.`);
  }
}
