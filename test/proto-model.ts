/**
 * @file Model files for tests, made from ONNX's own messages: also such as no exporter would write.
 */
import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import {
  type AttributeProtoSchema,
  GraphProtoSchema,
  ModelProtoSchema,
  NodeProtoSchema,
  TensorProto_DataLocation,
  TensorProtoSchema,
  ValueInfoProtoSchema,
} from "../src/onnx/proto/generated/onnx_pb.js";

export type GraphInit = MessageInitShape<typeof GraphProtoSchema>;
export type ModelInit = MessageInitShape<typeof ModelProtoSchema>;
export type TensorInit = MessageInitShape<typeof TensorProtoSchema>;
export type AttributeInit = MessageInitShape<typeof AttributeProtoSchema>;

export function tensorBytes(init: TensorInit): Uint8Array {
  return toBinary(TensorProtoSchema, create(TensorProtoSchema, init));
}

/** A float32 tensor (or of another type code) kept in raw_data. */
export function rawTensor(
  name: string,
  dims: readonly number[],
  rawData: Uint8Array,
  dataType = 1,
): Uint8Array {
  return tensorBytes({ name, dims: dims.map(BigInt), dataType, rawData });
}

/** A float32 tensor kept in another file. */
export function externalTensor(
  name: string,
  dims: readonly number[],
  entries: Readonly<Record<string, string>>,
): Uint8Array {
  return tensorBytes({
    name,
    dims: dims.map(BigInt),
    dataType: 1,
    dataLocation: TensorProto_DataLocation.EXTERNAL,
    externalData: Object.entries(entries).map(([key, value]) => ({ key, value })),
  });
}

/** A float32 value of this shape; a string is a symbolic dimension. */
export function valueInfo(
  name: string,
  dims: readonly (number | string)[] = [4],
  elemType = 1,
): MessageInitShape<typeof ValueInfoProtoSchema> {
  const dim = dims.map((d) => ({
    value:
      typeof d === "number"
        ? ({ case: "dimValue", value: BigInt(d) } as const)
        : ({ case: "dimParam", value: d } as const),
  }));
  return create(ValueInfoProtoSchema, {
    name,
    type: { value: { case: "tensorType", value: { elemType, shape: { dim } } } },
  });
}

export function protoNode(
  opType: string,
  input: readonly string[],
  output: readonly string[],
  attribute: AttributeInit[] = [],
  name = "",
  metadata: Readonly<Record<string, string>> = {},
): MessageInitShape<typeof NodeProtoSchema> {
  const metadataProps = Object.entries(metadata).map(([key, value]) => ({ key, value }));
  return create(NodeProtoSchema, {
    opType,
    input: [...input],
    output: [...output],
    attribute,
    name,
    metadataProps,
  });
}

/** y = x + w, with these initialisers (one of them "w") and whatever else is given. */
export function tinyGraph(initializer: Uint8Array[], more: GraphInit = {}): GraphInit {
  return {
    name: "tiny",
    input: [valueInfo("x")],
    output: [valueInfo("y")],
    node: [protoNode("Add", ["x", "w"], ["y"])],
    ...more,
    initializer,
  } as GraphInit;
}

/** The bytes of a model with this graph, IR version 8, opset 17. */
export function protoModel(graph: GraphInit, more: ModelInit = {}): Uint8Array {
  const model = create(ModelProtoSchema, {
    irVersion: 8n,
    opsetImport: [{ version: 17n }],
    ...more,
    graph: create(GraphProtoSchema, graph),
  } as ModelInit);
  return toBinary(ModelProtoSchema, model);
}
