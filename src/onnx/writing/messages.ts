/**
 * @file Typed values back to the messages of ONNX's schema.
 */
import { create } from "@bufbuild/protobuf";
import { dataTypeCode } from "../data-type.js";
import { type Dim, formatDim } from "../dim.js";
import type { Attribute, Graph, Node, Tensor, ValueInfo } from "../graph.js";
import { ATTRIBUTE_KINDS } from "../proto/attribute-kind.js";
import {
  type AttributeProto,
  AttributeProtoSchema,
  type GraphProto,
  GraphProtoSchema,
  type NodeProto,
  NodeProtoSchema,
  StringStringEntryProtoSchema,
  type TensorShapeProto_Dimension,
  TensorShapeProto_DimensionSchema,
  TensorShapeProtoSchema,
  TypeProto_TensorSchema,
  TypeProtoSchema,
  type ValueInfoProto,
  ValueInfoProtoSchema,
} from "../proto/generated/onnx_pb.js";
import { writeTensor } from "../proto/tensor-wire.js";
import { scopeOf } from "../scope.js";
import { toInt64 } from "../tensor.js";

const encoder = new TextEncoder();

function tensorBytes(name: string, tensor: Tensor): Uint8Array {
  const [header, content] = writeTensor(name, tensor);
  const joined = new Uint8Array(header.length + content.length);
  joined.set(header);
  joined.set(content, header.length);
  return joined;
}

export function toAttributeProto(name: string, attribute: Attribute): AttributeProto {
  const kind = attribute.kind === "reference" ? attribute.of : attribute.kind;
  const make = (fields: Partial<Omit<AttributeProto, "$typeName" | "$unknown">>): AttributeProto =>
    create(AttributeProtoSchema, {
      name,
      ...(kind === undefined ? {} : { type: ATTRIBUTE_KINDS[kind] }),
      ...fields,
    });
  switch (attribute.kind) {
    case "int":
      return make({ i: toInt64(attribute.value) });
    case "float":
      return make({ f: Math.fround(attribute.value) });
    case "string":
      return make({ s: encoder.encode(attribute.value) });
    case "tensor":
      return make({ t: tensorBytes("", attribute.value) });
    case "graph":
      return make({
        g: toGraphProto(attribute.value, { constants: true, valueInfo: false }),
      });
    case "ints":
      return make({ ints: attribute.value.map(toInt64) });
    case "floats":
      return make({ floats: attribute.value.map(Math.fround) });
    case "strings":
      return make({ strings: attribute.value.map((s) => encoder.encode(s)) });
    case "reference":
      return make({ refAttrName: attribute.value });
  }
}

export function toNodeProto(node: Node): NodeProto {
  return create(NodeProtoSchema, {
    input: [...node.inputs],
    output: [...node.outputs],
    name: node.name,
    opType: node.op,
    ...(node.domain === "" ? {} : { domain: node.domain }),
    ...(node.overload === undefined ? {} : { overload: node.overload }),
    attribute: Object.entries(node.attributes).map(([name, value]) => toAttributeProto(name, value)),
    metadataProps: scopeProps(node),
  });
}

/** ONNX Runtime refuses two nodes of one name, which optimisers and rewriting leave behind: later ones are numbered. */
function uniquelyNamed(nodes: readonly Node[]): readonly Node[] {
  const taken = new Set(nodes.map((node) => node.name));
  const seen = new Set<string>();
  return nodes.map((node) => {
    let { name } = node;
    for (let n = 2; name !== "" && seen.has(name); n++) {
      if (!taken.has(`${node.name}_${n}`)) name = `${node.name}_${n}`;
    }
    seen.add(name);
    return name === node.name ? node : { ...node, name };
  });
}

/** The scope as torch.export writes it, unless the node's name says it: reading the file again finds it. */
function scopeProps(node: Node): NodeProto["metadataProps"] {
  if (node.scope === undefined || scopeOf(node.name, new Map()) === node.scope) return [];
  const value = `['', '${node.scope}', '${node.name.replaceAll("'", "")}']`;
  return [create(StringStringEntryProtoSchema, { key: "pkg.torch.onnx.name_scopes", value })];
}

function toDimProto(dim: Dim): TensorShapeProto_Dimension {
  if (dim === null) return create(TensorShapeProto_DimensionSchema);
  const value =
    typeof dim === "number"
      ? ({ case: "dimValue", value: BigInt(dim) } as const)
      : ({ case: "dimParam", value: formatDim(dim) } as const);
  return create(TensorShapeProto_DimensionSchema, { value });
}

/** Subgraphs often leave the types of their outputs open; what is "other" here is left open as well. */
function toValueInfoProto(info: ValueInfo): ValueInfoProto {
  const elemType = dataTypeCode(info.dtype);
  if (elemType === undefined) return create(ValueInfoProtoSchema, { name: info.name });
  const shape =
    info.shape === undefined
      ? {}
      : { shape: create(TensorShapeProtoSchema, { dim: info.shape.map(toDimProto) }) };
  const tensorType = create(TypeProto_TensorSchema, { elemType, ...shape });
  return create(ValueInfoProtoSchema, {
    name: info.name,
    type: create(TypeProtoSchema, { value: { case: "tensorType", value: tensorType } }),
  });
}

/** Types of what the nodes make, without the outputs, which are listed anyway. */
function intermediateTypes(graph: Graph): ValueInfo[] {
  const outputs = new Set(graph.outputs.map((o) => o.name));
  return graph.nodes.flatMap((node) =>
    node.outputs.flatMap((name) => {
      const type = graph.types.get(name);
      return type === undefined || type.dtype === "other" || outputs.has(name) ? [] : [{ name, ...type }];
    }),
  );
}

/** The graph as a message; without its constants where the caller appends them itself. */
export function toGraphProto(
  graph: Graph,
  options: { readonly constants: boolean; readonly valueInfo: boolean },
): GraphProto {
  return create(GraphProtoSchema, {
    name: graph.name === "" ? "graph" : graph.name,
    node: uniquelyNamed(graph.nodes).map(toNodeProto),
    input: graph.inputs.map(toValueInfoProto),
    output: graph.outputs.map(toValueInfoProto),
    initializer: options.constants ? [...graph.constants].map(([name, t]) => tensorBytes(name, t)) : [],
    valueInfo: options.valueInfo ? intermediateTypes(graph).map(toValueInfoProto) : [],
  });
}
