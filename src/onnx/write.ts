/**
 * @file A Model to an ONNX file's bytes, as pieces to be joined once. A protobuf message may be built by
 * concatenation, so everything but the weights is encoded by protobuf-es, and each weight follows as a short
 * header and a view of its own bytes: nothing of the size of the weights is copied before the final join.
 */
import { create, toBinary } from "@bufbuild/protobuf";
import { VitreousError } from "./errors.js";
import type { Graph, LocalFunction, Model } from "./graph.js";
import {
  type FunctionProto,
  FunctionProtoSchema,
  GraphProtoSchema,
  ModelProtoSchema,
  type OperatorSetIdProto,
  OperatorSetIdProtoSchema,
  StringStringEntryProtoSchema,
} from "./proto/generated/onnx_pb.js";
import { pushVarint, writeTensor } from "./proto/tensor-wire.js";
import { BYTES } from "./proto/wire.js";
import { toAttributeProto, toGraphProto, toNodeProto } from "./writing/messages.js";

export interface WriteOptions {
  /** Also write the types of intermediate values (graph.types). Default: false. */
  readonly valueInfo?: boolean;
}

/** protobuf's own limit on a message, which ONNX Runtime shares. */
const MAX_BYTES = 2 ** 31 - 1;

function fieldHeader(field: number, length: number): Uint8Array {
  const out: number[] = [];
  pushVarint(out, field * 8 + BYTES);
  pushVarint(out, length);
  return Uint8Array.from(out);
}

function totalLength(pieces: readonly Uint8Array[]): number {
  return pieces.reduce((sum, piece) => sum + piece.length, 0);
}

function opsetProtos(opsets: ReadonlyMap<string, number>): OperatorSetIdProto[] {
  return [...opsets].map(([domain, version]) =>
    create(OperatorSetIdProtoSchema, { domain, version: BigInt(version) }),
  );
}

function functionProto(f: LocalFunction): FunctionProto {
  return create(FunctionProtoSchema, {
    name: f.name,
    domain: f.domain,
    ...(f.overload === "" ? {} : { overload: f.overload }),
    input: [...f.inputs],
    output: [...f.outputs],
    attribute: [...f.attributes],
    attributeProto: Object.entries(f.defaults).map(([name, value]) => toAttributeProto(name, value)),
    node: f.nodes.map(toNodeProto),
    opsetImport: opsetProtos(f.opsets),
  });
}

function weightPieces(graph: Graph): Uint8Array[] {
  const field = GraphProtoSchema.field.initializer.number;
  return [...graph.constants].flatMap(([name, tensor]) => {
    const [header, content] = writeTensor(name, tensor);
    return [fieldHeader(field, header.length + content.length), header, content];
  });
}

/**
 * The model as an .onnx file, in pieces. Constants are views of their own bytes, so the pieces are valid only
 * as long as those are unchanged. Throws VitreousError for a file over 2 GB, and for
 * inputs and constants of type "other".
 */
export function writeModel(model: Model, options: WriteOptions = {}): Uint8Array[] {
  const untyped = model.graph.inputs.find((input) => input.dtype === "other");
  if (untyped !== undefined) {
    throw new VitreousError(`The model's input "${untyped.name}" is no tensor of a type that is supported.`);
  }
  const head = toBinary(
    ModelProtoSchema,
    create(ModelProtoSchema, {
      irVersion: BigInt(model.irVersion),
      producerName: model.producer,
      opsetImport: opsetProtos(model.opsets),
      metadataProps: [...model.metadata].map(([key, value]) =>
        create(StringStringEntryProtoSchema, { key, value }),
      ),
      functions: model.functions.map(functionProto),
    }),
  );
  const skeleton = toGraphProto(model.graph, { constants: false, valueInfo: options.valueInfo ?? false });
  const graph = [toBinary(GraphProtoSchema, skeleton), ...weightPieces(model.graph)];
  const pieces = [head, fieldHeader(ModelProtoSchema.field.graph.number, totalLength(graph)), ...graph];
  const length = totalLength(pieces);
  if (length > MAX_BYTES) {
    const gigabytes = (length / 1e9).toFixed(1);
    throw new VitreousError(
      `The model needs ${gigabytes} GB, more than the 2 GB that an ONNX file can hold.`,
    );
  }
  return pieces;
}

/** The pieces as one array: the only copy of the weights. */
export function joinPieces(pieces: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const joined = new Uint8Array(totalLength(pieces));
  let at = 0;
  for (const piece of pieces) {
    joined.set(piece, at);
    at += piece.length;
  }
  return joined;
}
