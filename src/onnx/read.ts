/**
 * @file An ONNX file's bytes to a Model. Weights are views into those bytes; nothing of their size is copied.
 */
import { VitreousError } from "./errors.js";
import type { LocalFunction, Model } from "./graph.js";
import { decodeModel } from "./proto/decode.js";
import type { FunctionProto, ModelProto, OperatorSetIdProto } from "./proto/generated/onnx_pb.js";
import { type ExternalData, readTensor } from "./proto/tensor-wire.js";
import { WireError } from "./proto/wire.js";
import { type AttributeReaders, readAttribute } from "./reading/attribute.js";
import { checkExternalLocation } from "./reading/external.js";
import { batchSymbol, checkMainGraph, readGraph } from "./reading/graph.js";
import { normalDomain, readNodes } from "./reading/node.js";

export interface ReadOptions {
  /**
   * Bytes of an external data file: `length` bytes (all that follow, if undefined) from `offset` of the file at
   * `location`, a path relative to the model's folder, with "/" and inside it. May return fewer at the file's
   * end; readModel then says that the file is cut short. Throws VitreousError where there is no such file.
   */
  readonly external?: (location: string, offset: number, length: number | undefined) => Uint8Array;
}

function readExternal(data: ExternalData, needed: number, label: string, options: ReadOptions): Uint8Array {
  checkExternalLocation(data.location, label);
  if (options.external === undefined) {
    throw new VitreousError(
      `${label} is kept in the external data file "${data.location}", which is not at hand. Give it together with the .onnx file.`,
    );
  }
  if (data.length !== undefined && data.length !== needed) {
    throw new VitreousError(
      `${label} needs ${needed} bytes, but the model says ${data.length} are kept in "${data.location}". Export it again.`,
    );
  }
  const bytes = options.external(data.location, data.offset, needed);
  if (bytes.length < needed) {
    throw new VitreousError(
      `The external data file "${data.location}" is too short: ${label} needs ${needed} bytes from ${data.offset} on. Copy or download it again.`,
    );
  }
  return bytes;
}

function attributeReaders(options: ReadOptions, batch: string | undefined): AttributeReaders {
  const readers: AttributeReaders = {
    tensor: (bytes, label) => {
      try {
        return readTensor(bytes, label, (data, needed, what) => readExternal(data, needed, what, options));
      } catch (error) {
        if (!(error instanceof WireError)) throw error;
        throw new VitreousError(
          `${label} is damaged (${error.message}). Copy, download or export the model again.`,
        );
      }
    },
    graph: (graph) => readGraph(graph, readers),
    batch,
  };
  return readers;
}

function readOpsets(imports: readonly OperatorSetIdProto[]): Map<string, number> {
  const opsets = new Map<string, number>();
  for (const { domain, version } of imports) {
    const name = normalDomain(domain);
    opsets.set(name, Math.max(opsets.get(name) ?? 0, Number(version)));
  }
  return opsets;
}

function readFunction(proto: FunctionProto, read: AttributeReaders): LocalFunction {
  const where = `function "${proto.name}"`;
  return {
    domain: normalDomain(proto.domain),
    name: proto.name,
    overload: proto.overload,
    inputs: proto.input,
    outputs: proto.output,
    attributes: proto.attribute,
    defaults: Object.fromEntries(proto.attributeProto.map((a) => [a.name, readAttribute(a, where, read)])),
    nodes: readNodes(proto.node, read),
    opsets: readOpsets(proto.opsetImport),
  };
}

const TRAINING_DOMAINS: readonly string[] = ["ai.onnx.training", "ai.onnx.preview.training"];

function refuseTraining(proto: ModelProto): void {
  if (proto.trainingInfo.length === 0 && !proto.graph?.node.some((n) => TRAINING_DOMAINS.includes(n.domain)))
    return;
  throw new VitreousError("The model is a training graph. Export the trained model for inference.");
}

/** A decoded file as a Model; for readers that must look at the message first (see node/read-file.ts). */
export function modelFromProto(proto: ModelProto, options: ReadOptions = {}): Model {
  if (proto.graph === undefined) throw new VitreousError("The file is not an ONNX model: it has no graph.");
  refuseTraining(proto);
  const read = attributeReaders(options, batchSymbol(proto.graph.input));
  const opsets = readOpsets(proto.opsetImport);
  if (opsets.size === 0) {
    throw new VitreousError(
      "The model does not say which operator set it uses (opset_import): it is damaged.",
    );
  }
  const graph = readGraph(proto.graph, read);
  checkMainGraph(graph);
  return {
    irVersion: Number(proto.irVersion),
    opsets,
    producer: `${proto.producerName} ${proto.producerVersion}`.trim(),
    metadata: new Map(proto.metadataProps.map((entry) => [entry.key, entry.value])),
    graph,
    functions: proto.functions.map((f) => readFunction(f, read)),
  };
}

/**
 * Reads an .onnx file. Tensors of the result are views into `bytes` (and into what `external` returns): keep
 * them unchanged. Dimensions that are symbols are BATCH where the symbol is that of the first input's first
 * axis, else unknown. Throws VitreousError, with one clear sentence, for anything that is not a usable model.
 */
export function readModel(bytes: Uint8Array, options: ReadOptions = {}): Model {
  return modelFromProto(decodeModel(bytes), options);
}
