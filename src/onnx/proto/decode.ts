/**
 * @file Bytes to the messages of ONNX's schema, and a clear sentence for every way in which a file can fail to
 * be an ONNX model.
 */
import { fromBinary } from "@bufbuild/protobuf";
import { VitreousError } from "../errors.js";
import { checkMessage } from "./check.js";
import { type ModelProto, ModelProtoSchema } from "./generated/onnx_pb.js";
import { eachField, WireError } from "./wire.js";

/** protobuf's own limit on a message, which ONNX Runtime shares. */
const MAX_BYTES = 2 ** 31 - 1;

/** Memory that decoding may take: a base for small files with many parts, and a multiple of the file's size. */
const BUDGET_BASE = 64 * 2 ** 20;
const BUDGET_PER_BYTE = 16;

const HOW_TO = "Give an .onnx file as PyTorch's torch.onnx.export writes it.";

/** What a file that is no ONNX model looks like, by its first bytes. */
function foreignKind(bytes: Uint8Array): string | undefined {
  const head = new TextDecoder("latin1").decode(bytes.subarray(0, 1024));
  if (head.startsWith("version https://git-lfs")) {
    return "is a Git LFS pointer, not the model itself. Run `git lfs pull` in its repository to fetch the file.";
  }
  if (/^\s*<(!doctype html|html|head|\?xml)/i.test(head)) {
    return "is a web page, not a model: a download probably ended at an error or login page. Download the file again.";
  }
  if (head.startsWith("PK\u0003\u0004")) {
    return `is a zip archive (PyTorch checkpoints are), not an ONNX model. ${HOW_TO}`;
  }
  if (/^.{8}\{"/s.test(head) && head.includes('"dtype"')) {
    return `is a safetensors file, not an ONNX model. ${HOW_TO}`;
  }
  if (head.slice(4, 8) === "ORTM") {
    return "is in ONNX Runtime's own ORT format. Give the .onnx file that it was made from.";
  }
  if (bytes.subarray(0, 1024).every((byte) => byte >= 0x20 || byte === 9 || byte === 10 || byte === 13)) {
    return `is a text file, not an ONNX model. ${HOW_TO}`;
  }
  return undefined;
}

/** True if the bytes begin as a ModelProto does: with a plausible IR version. */
function beginsLikeAModel(bytes: Uint8Array): boolean {
  return bytes[0] === 0x08 && (bytes[1] ?? 0) >= 1 && (bytes[1] ?? 0) < 0x40;
}

/** For a file cut short: the size it should at least have. */
function missingBytes(bytes: Uint8Array): number | undefined {
  if (!beginsLikeAModel(bytes)) return undefined;
  try {
    eachField(bytes, 0, bytes.length, () => undefined);
  } catch (error) {
    if (error instanceof WireError && error.needs !== undefined && error.needs <= MAX_BYTES)
      return error.needs;
  }
  return undefined;
}

function explain(bytes: Uint8Array, problem: string): VitreousError {
  const missing = missingBytes(bytes);
  if (missing !== undefined) {
    return new VitreousError(
      `The model file is cut short: it has ${bytes.length} bytes and should have at least ${missing}. Copy or download it again.`,
    );
  }
  if (!beginsLikeAModel(bytes)) return new VitreousError(`The file is not an ONNX model. ${HOW_TO}`);
  return new VitreousError(`The model file is damaged (${problem}). Copy, download or export it again.`);
}

/**
 * The ModelProto in these bytes, checked to be well-formed. Byte strings, and with them tensors, are views.
 * Throws VitreousError for anything that is no ONNX model.
 */
export function decodeModel(bytes: Uint8Array): ModelProto {
  if (bytes.length === 0)
    throw new VitreousError("The model file is empty. Copy, download or export it again.");
  if (bytes.length > MAX_BYTES) {
    throw new VitreousError(
      "The model file is larger than 2 GB, more than an ONNX file can be. Export it with external data.",
    );
  }
  const kind = foreignKind(bytes);
  if (kind !== undefined) throw new VitreousError(`The file ${kind}`);
  let model: ModelProto;
  try {
    checkMessage(ModelProtoSchema, bytes, BUDGET_BASE + BUDGET_PER_BYTE * bytes.length);
    model = fromBinary(ModelProtoSchema, bytes, { readUnknownFields: false });
  } catch (error) {
    if (error instanceof WireError) throw explain(bytes, `${error.message}, at byte ${error.offset}`);
    throw explain(bytes, error instanceof Error ? error.message : String(error));
  }
  if (model.graph === undefined || model.irVersion <= 0n || model.irVersion > 1000n) {
    throw new VitreousError(`The file is not an ONNX model: it has no graph or no version. ${HOW_TO}`);
  }
  return model;
}
