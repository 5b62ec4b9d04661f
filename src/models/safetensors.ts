/**
 * @file Reads safetensors, the container nearly all checkpoints come in: eight bytes of header length, a JSON
 * header, then the tensors' bytes, which are left where they are until they are wanted. Every number in the header is
 * checked before it is used, since checkpoints come from strangers.
 * Format: https://huggingface.co/docs/safetensors
 */
import { elementSize } from "../onnx/data-type.js";
import { VitreousError } from "../onnx/errors.js";
import type { DataType, Tensor } from "../onnx/graph.js";
import {
  type ByteSource,
  bytesInMemory,
  countable,
  MAX_RANK,
  quoted,
  readPart,
  tensorAt,
  unreadableTensor,
} from "./byte-source.js";
import { outlineJson } from "./json-outline.js";
import type { StoredTensor, StoredTensors } from "./stored-tensor.js";

/** The format's own limit on the header. */
const MAX_HEADER_BYTES = 100_000_000;

/** The header, a tensor's description, its shape. */
const MAX_DEPTH = 3;

/** The largest models there are have some ten thousand. */
const MAX_TENSORS = 200_000;

/** Values in a header, ten for a tensor. */
const MAX_VALUES = 10 * MAX_TENSORS;

const LENGTH_BYTES = 8;

const DTYPES: ReadonlyMap<string, DataType> = new Map([
  ["F64", "float64"],
  ["F32", "float32"],
  ["F16", "float16"],
  ["BF16", "bfloat16"],
  ["I64", "int64"],
  ["I32", "int32"],
  ["I16", "int16"],
  ["I8", "int8"],
  ["U64", "uint64"],
  ["U32", "uint32"],
  ["U16", "uint16"],
  ["U8", "uint8"],
  ["BOOL", "bool"],
]);

export interface Safetensors {
  /** Name → tensor, in the header's order. `bytes` are views into the file's buffer. */
  readonly tensors: ReadonlyMap<string, Tensor>;
  /** The free-form strings of `__metadata__`. */
  readonly metadata: ReadonlyMap<string, string>;
}

interface Entry {
  readonly name: string;
  /** As the header calls it: "F32". */
  readonly type: string;
  /** "other" for those that nothing computes with, float8 and smaller. */
  readonly dtype: DataType;
  readonly dims: readonly number[];
  /** In the data, which comes after the header. */
  readonly begin: number;
  readonly end: number;
}

interface Layout {
  readonly entries: readonly Entry[];
  readonly metadata: ReadonlyMap<string, string>;
  /** Where the data begins in the file. */
  readonly dataAt: number;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isSizes(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.every((v) => Number.isSafeInteger(v) && v >= 0);
}

function refuseFile(source: string, why: string): never {
  throw new VitreousError(`${source} is not a safetensors file: ${why}.`);
}

/** Where the data begins, from the first bytes of a file of `size` bytes. */
function dataOffset(start: Uint8Array, size: number, source: string): number {
  if (size < LENGTH_BYTES) return refuseFile(source, `it has ${size} bytes, fewer than its header needs`);
  const length = new DataView(start.buffer, start.byteOffset, LENGTH_BYTES).getBigUint64(0, true);
  if (length > BigInt(MAX_HEADER_BYTES)) {
    return refuseFile(source, `its first eight bytes claim a header of ${length} bytes`);
  }
  const dataAt = LENGTH_BYTES + Number(length);
  if (dataAt > size) {
    return refuseFile(source, `it ends inside its header (${size} of ${dataAt} bytes); it may be cut off`);
  }
  return dataAt;
}

function parseHeader(bytes: Uint8Array, source: string): Readonly<Record<string, unknown>> {
  const outline = outlineJson(bytes);
  if (outline.keys > MAX_TENSORS) return refuseFile(source, `its header has ${outline.keys} tensors`);
  if (outline.values > MAX_VALUES) return refuseFile(source, `its header has more than ${MAX_VALUES} values`);
  if (outline.depth > MAX_DEPTH)
    return refuseFile(source, `its header is nested ${outline.depth} levels deep`);
  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    return refuseFile(source, "its header is no JSON");
  }
  if (!isRecord(header)) return refuseFile(source, "its header is no JSON object");
  if (outline.keys > Object.keys(header).length) {
    return refuseFile(source, "its header describes a tensor twice");
  }
  return header;
}

function readEntry(name: string, value: unknown, available: number, source: string): Entry {
  const refuse = (why: string): never => {
    throw new VitreousError(`${source}: tensor ${quoted(name)} ${why}.`);
  };
  if (!isRecord(value)) return refuse("has no description in the header");
  const { dtype: type, shape: dims, data_offsets: offsets } = value;
  if (typeof type !== "string") return refuse("has no valid dtype");
  if (!isSizes(dims)) return refuse("has no valid shape");
  if (dims.length > MAX_RANK) return refuse(`has ${dims.length} dimensions; ${MAX_RANK} are possible`);
  if (!isSizes(offsets) || offsets.length !== 2) return refuse("has no valid data_offsets");
  const [begin = 0, end = 0] = offsets;
  if (begin > end || end > available) {
    return refuse(
      `lies at bytes ${begin} to ${end} of the data, which has ${available}; the file may be cut off`,
    );
  }
  const dtype = DTYPES.get(type) ?? "other";
  const count = countable(dims);
  if (count === undefined) return refuse(`of shape [${dims.join(", ")}] has too many elements to count`);
  const size = count * elementSize(dtype);
  if (dtype !== "other" && size !== end - begin) {
    return refuse(`of shape [${dims.join(", ")}] needs ${size} bytes but is given ${end - begin}`);
  }
  return { name, type, dtype, dims, begin, end };
}

/** As the format demands: the tensors fill the data without a hole, and no byte belongs to two of them. */
function checkLayout(entries: readonly Entry[], available: number, source: string): void {
  let position = 0;
  let previous = "the header";
  for (const entry of [...entries].sort((a, b) => a.begin - b.begin || a.end - b.end)) {
    if (entry.begin !== position) {
      const what = entry.begin < position ? "overlaps" : "leaves unused bytes after";
      throw new VitreousError(
        `${source}: tensor ${quoted(entry.name)} ${what} ${previous}; the file is damaged.`,
      );
    }
    position = entry.end;
    previous = quoted(entry.name);
  }
  if (position !== available) {
    throw new VitreousError(
      `${source} has ${available - position} bytes after its last tensor; it is damaged.`,
    );
  }
}

/** @param json the header's bytes, which lie before `dataAt` in a file of `size` bytes */
function readLayout(json: Uint8Array, dataAt: number, size: number, source: string): Layout {
  const entries: Entry[] = [];
  const metadata = new Map<string, string>();
  for (const [name, value] of Object.entries(parseHeader(json, source))) {
    if (name !== "__metadata__") {
      entries.push(readEntry(name, value, size - dataAt, source));
    } else if (isRecord(value)) {
      for (const [key, text] of Object.entries(value)) metadata.set(key, String(text));
    }
  }
  checkLayout(entries, size - dataAt, source);
  return { entries, metadata, dataAt };
}

/**
 * The tensors of a safetensors file that is in memory, as views into `bytes` (which must not change afterwards).
 *
 * @param source what messages call the file
 * @throws VitreousError for anything the format does not allow, and for element types that nothing computes with
 */
export function readSafetensors(bytes: Uint8Array, source = "The checkpoint"): Safetensors {
  const { view } = bytesInMemory(bytes, source);
  const dataAt = dataOffset(bytes, bytes.byteLength, source);
  const header = bytes.subarray(LENGTH_BYTES, dataAt);
  const { entries, metadata } = readLayout(header, dataAt, bytes.byteLength, source);
  const tensors = new Map<string, Tensor>();
  for (const { name, type, dtype, dims, begin, end } of entries) {
    if (dtype === "other") {
      throw new VitreousError(
        `${source}: tensor ${quoted(name)} has the element type ${quoted(type)}; supported: ${[...DTYPES.keys()].join(", ")}.`,
      );
    }
    tensors.set(name, { dtype, dims, bytes: view(dataAt + begin, end - begin) });
  }
  return { tensors, metadata };
}

/**
 * The tensors of a safetensors file, of which only the header is read. Those of element types that nothing computes
 * with are there too, and refuse to be read.
 *
 * @throws VitreousError for anything the format does not allow
 */
export async function openSafetensors(source: ByteSource): Promise<StoredTensors> {
  const start = await readPart(source, 0, Math.min(LENGTH_BYTES, source.size));
  const dataAt = dataOffset(start, source.size, source.name);
  const header = await readPart(source, LENGTH_BYTES, dataAt - LENGTH_BYTES);
  const tensors = new Map<string, StoredTensor>();
  for (const entry of readLayout(header, dataAt, source.size, source.name).entries) {
    const { name, type, dtype, dims, begin, end } = entry;
    tensors.set(
      name,
      dtype === "other"
        ? unreadableTensor(source, quoted(name), type, dims)
        : tensorAt(source, dataAt + begin, end - begin, { dtype, dims }),
    );
  }
  return tensors;
}
