/**
 * @file Reads safetensors, the container nearly all checkpoints come in: eight bytes of header length, a JSON
 * header, then the tensors' bytes. Tensors are views into the given buffer. Every number in the header is
 * checked before it is used, since checkpoints come from strangers.
 * Format: https://huggingface.co/docs/safetensors
 */
import { elementSize } from "../onnx/data-type.js";
import { VitreousError } from "../onnx/errors.js";
import type { DataType, Tensor } from "../onnx/graph.js";

/** The format's own limit on the header. */
const MAX_HEADER_BYTES = 100_000_000;

const DTYPES: Readonly<Record<string, DataType>> = {
  F64: "float64",
  F32: "float32",
  F16: "float16",
  BF16: "bfloat16",
  I64: "int64",
  I32: "int32",
  I16: "int16",
  I8: "int8",
  U64: "uint64",
  U32: "uint32",
  U16: "uint16",
  U8: "uint8",
  BOOL: "bool",
};

export interface Safetensors {
  /** Name → tensor, in the header's order. `bytes` are views into the file's buffer. */
  readonly tensors: ReadonlyMap<string, Tensor>;
  /** The free-form strings of `__metadata__`. */
  readonly metadata: ReadonlyMap<string, string>;
}

interface Entry {
  readonly name: string;
  readonly dtype: DataType;
  readonly dims: readonly number[];
  readonly begin: number;
  readonly end: number;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isSizes(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.every((v) => Number.isSafeInteger(v) && v >= 0);
}

function parseHeader(bytes: Uint8Array, source: string): { header: Record<string, unknown>; dataAt: number } {
  const refuse = (why: string): never => {
    throw new VitreousError(`${source} is not a safetensors file: ${why}.`);
  };
  if (bytes.byteLength < 8) return refuse(`it has ${bytes.byteLength} bytes, fewer than its header needs`);
  const length = new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0, true);
  if (length > BigInt(MAX_HEADER_BYTES)) {
    return refuse(`its first eight bytes claim a header of ${length} bytes`);
  }
  const dataAt = 8 + Number(length);
  if (dataAt > bytes.byteLength) {
    return refuse(`it ends inside its header (${bytes.byteLength} of ${dataAt} bytes); it may be cut off`);
  }
  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes.subarray(8, dataAt)));
  } catch {
    return refuse("its header is no JSON");
  }
  return isRecord(header) ? { header, dataAt } : refuse("its header is no JSON object");
}

function readEntry(name: string, value: unknown, available: number, source: string): Entry {
  const refuse = (why: string): never => {
    throw new VitreousError(`${source}: tensor "${name}" ${why}.`);
  };
  if (!isRecord(value)) return refuse("has no description in the header");
  const dtype = DTYPES[String(value.dtype)];
  if (dtype === undefined) {
    return refuse(
      `has the element type ${JSON.stringify(value.dtype)}; supported: ${Object.keys(DTYPES).join(", ")}`,
    );
  }
  const dims = value.shape;
  const offsets = value.data_offsets;
  if (!isSizes(dims)) return refuse("has no valid shape");
  if (!isSizes(offsets) || offsets.length !== 2) return refuse("has no valid data_offsets");
  const [begin = 0, end = 0] = offsets;
  if (begin > end || end > available) {
    return refuse(
      `lies at bytes ${begin} to ${end} of the data, which has ${available}; the file may be cut off`,
    );
  }
  const size = dims.reduce((product, d) => product * d, elementSize(dtype));
  if (size !== end - begin) {
    return refuse(`of shape [${dims.join(", ")}] needs ${size} bytes but is given ${end - begin}`);
  }
  return { name, dtype, dims, begin, end };
}

/** As the format demands: the tensors fill the data without a hole, and no byte belongs to two of them. */
function checkLayout(entries: readonly Entry[], available: number, source: string): void {
  let position = 0;
  let previous = "the header";
  for (const entry of [...entries].sort((a, b) => a.begin - b.begin || a.end - b.end)) {
    if (entry.begin !== position) {
      const what = entry.begin < position ? "overlaps" : "leaves unused bytes after";
      throw new VitreousError(`${source}: tensor "${entry.name}" ${what} ${previous}; the file is damaged.`);
    }
    position = entry.end;
    previous = `"${entry.name}"`;
  }
  if (position !== available) {
    throw new VitreousError(
      `${source} has ${available - position} bytes after its last tensor; it is damaged.`,
    );
  }
}

/**
 * The tensors of a safetensors file, as views into `bytes` (which must not change afterwards).
 *
 * @param source what messages call the file
 * @throws VitreousError for anything the format does not allow
 */
export function readSafetensors(bytes: Uint8Array, source = "The checkpoint"): Safetensors {
  const { header, dataAt } = parseHeader(bytes, source);
  // Not bytes.subarray: of Node's Buffer it would be a Buffer, whose slice() does not copy.
  const data = new Uint8Array(bytes.buffer, bytes.byteOffset + dataAt, bytes.byteLength - dataAt);
  const entries: Entry[] = [];
  const metadata = new Map<string, string>();
  for (const [name, value] of Object.entries(header)) {
    if (name !== "__metadata__") {
      entries.push(readEntry(name, value, data.byteLength, source));
    } else if (isRecord(value)) {
      for (const [key, text] of Object.entries(value)) metadata.set(key, String(text));
    }
  }
  checkLayout(entries, data.byteLength, source);
  const tensors = new Map<string, Tensor>();
  for (const { name, dtype, dims, begin, end } of entries) {
    tensors.set(name, { dtype, dims, bytes: data.subarray(begin, end) });
  }
  return { tensors, metadata };
}
