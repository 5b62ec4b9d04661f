/**
 * @file TensorProto straight from and to the wire. protobuf-es would turn float_data and int64_data into arrays
 * of JavaScript numbers (up to forty times the file); here every way of storing a tensor becomes the bytes that
 * raw_data would have, and raw_data itself stays a view into the file.
 */
import { dataTypeCode, dataTypeFromCode, dataTypeName, elementSize } from "../data-type.js";
import { VitreousError } from "../errors.js";
import type { Tensor } from "../graph.js";
import { toInt64 } from "../tensor.js";
import { TensorProtoSchema } from "./generated/onnx_pb.js";
import { BYTES, eachField, FIXED32, FIXED64, readVarint, readVarint64, skipVarint, VARINT } from "./wire.js";

const NUMBER = Object.fromEntries(
  Object.entries(TensorProtoSchema.field).map(([name, field]) => [name, field.number]),
) as Readonly<Record<keyof typeof TensorProtoSchema.field, number>>;

/** Where an external tensor's bytes are; offset 0 and length undefined (to be known from its shape) by default. */
export interface ExternalData {
  readonly location: string;
  readonly offset: number;
  readonly length: number | undefined;
}

/** A tensor whose content has not been looked at. */
export interface TensorHeader {
  readonly name: string;
  readonly dims: readonly number[];
  readonly code: number;
  readonly external: ExternalData | undefined;
}

/** ONNX tensors have few axes; a damaged file may claim millions. */
const MAX_RANK = 64;

const text = new TextDecoder();

/** Reads the whole non-negative number in an external_data entry. */
function parseCount(value: string, what: string, name: string): number {
  const count = /^\d{1,15}$/.test(value) ? Number(value) : Number.NaN;
  if (Number.isNaN(count))
    throw new VitreousError(`${name}: the ${what} "${value.slice(0, 40)}" is no number.`);
  return count;
}

function readEntry(bytes: Uint8Array, start: number, end: number): [string, string] {
  let key = "";
  let value = "";
  eachField(bytes, start, end, (field, wire, from, to) => {
    if (wire !== BYTES) return;
    if (field === 1) key = text.decode(bytes.subarray(from, to));
    else if (field === 2) value = text.decode(bytes.subarray(from, to));
  });
  return [key, value];
}

function checkDims(dims: readonly number[], name: string): void {
  if (dims.length > MAX_RANK) throw new VitreousError(`${name} claims to have ${dims.length} axes.`);
  const bad = dims.find((d) => d < 0 || d >= 2 ** 31);
  if (bad !== undefined) throw new VitreousError(`${name} has an impossible dimension: ${bad}.`);
}

/** Name, shape and type. Throws VitreousError for impossible shapes, WireError for damaged bytes. */
export function readTensorHeader(bytes: Uint8Array): TensorHeader {
  let name = "";
  let code = 0;
  let isExternal = false;
  const dims: number[] = [];
  const entries = new Map<string, string>();
  const readDims = (from: number, to: number): void => {
    for (let pos = from; pos < to; pos = skipVarint(bytes, pos, to)) {
      if (dims.length <= MAX_RANK) dims.push(Number(readVarint64(bytes, pos, true)));
    }
  };
  eachField(bytes, 0, bytes.length, (field, wire, from, to) => {
    if (field === NUMBER.dims && (wire === BYTES || wire === VARINT)) readDims(from, to);
    else if (field === NUMBER.dataType && wire === VARINT) code = readVarint(bytes, from);
    else if (field === NUMBER.name && wire === BYTES) name = text.decode(bytes.subarray(from, to));
    else if (field === NUMBER.dataLocation && wire === VARINT) isExternal = readVarint(bytes, from) === 1;
    else if (field === NUMBER.externalData && wire === BYTES) entries.set(...readEntry(bytes, from, to));
  });
  const label = `Tensor "${name}"`;
  checkDims(dims, label);
  const offset = entries.get("offset");
  const length = entries.get("length");
  const external = isExternal
    ? {
        location: entries.get("location") ?? "",
        offset: offset === undefined ? 0 : parseCount(offset, "offset of its external data", label),
        length: length === undefined ? undefined : parseCount(length, "length of its external data", label),
      }
    : undefined;
  return { name, dims, code, external };
}

/** Which field holds a type's elements when raw_data does not, and how. */
function typedField(code: number): { readonly field: number; readonly wire: number } {
  const dtype = dataTypeFromCode(code);
  if (dtype === "float32") return { field: NUMBER.floatData, wire: FIXED32 };
  if (dtype === "float64") return { field: NUMBER.doubleData, wire: FIXED64 };
  if (dtype === "int64") return { field: NUMBER.int64Data, wire: VARINT };
  if (dtype === "uint64" || dtype === "uint32") return { field: NUMBER.uint64Data, wire: VARINT };
  return { field: NUMBER.int32Data, wire: VARINT };
}

function writeInteger(view: DataView, at: number, size: number, bytes: Uint8Array, pos: number): void {
  const value = readVarint64(bytes, pos, false);
  if (size === 8) view.setBigUint64(at, value, true);
  else if (size === 4) view.setUint32(at, Number(value & 0xffffffffn), true);
  else if (size === 2) view.setUint16(at, Number(value & 0xffffn), true);
  else view.setUint8(at, Number(value & 0xffn));
}

/** The elements of float_data, int32_data, … as raw_data would have them; at most `size` bytes for each of the file's. */
function readTyped(bytes: Uint8Array, code: number, size: number): Uint8Array {
  const { field, wire } = typedField(code);
  let count = 0;
  let pieces = 0;
  let whole = bytes.subarray(0, 0);
  eachField(bytes, 0, bytes.length, (number, how, from, to) => {
    if (number !== field) return;
    pieces++;
    whole = bytes.subarray(from, to);
    if (how === wire) count++;
    else if (how !== BYTES) return;
    else if (wire !== VARINT) count += Math.floor((to - from) / size);
    else for (let pos = from; pos < to; pos = skipVarint(bytes, pos, to)) count++;
  });
  if (pieces === 1 && wire !== VARINT) return whole;
  const result = new Uint8Array(count * size);
  const view = new DataView(result.buffer);
  let at = 0;
  eachField(bytes, 0, bytes.length, (number, how, from, to) => {
    if (number !== field || (how !== wire && how !== BYTES)) return;
    if (wire !== VARINT) {
      const length = Math.floor((to - from) / size) * size;
      result.set(bytes.subarray(from, from + length), at);
      at += length;
      return;
    }
    for (let pos = from; pos < to; pos = skipVarint(bytes, pos, to)) {
      writeInteger(view, at, size, bytes, pos);
      at += size;
    }
  });
  return result;
}

function readStrings(bytes: Uint8Array): string[] {
  const strings: string[] = [];
  eachField(bytes, 0, bytes.length, (field, wire, from, to) => {
    if (field === NUMBER.stringData && wire === BYTES) strings.push(text.decode(bytes.subarray(from, to)));
  });
  return strings;
}

function readRaw(bytes: Uint8Array): Uint8Array | undefined {
  let raw: Uint8Array | undefined;
  eachField(bytes, 0, bytes.length, (field, wire, from, to) => {
    if (field === NUMBER.rawData && wire === BYTES) raw = bytes.subarray(from, to);
  });
  return raw;
}

/**
 * The tensor in these bytes of a TensorProto. `external` fetches bytes kept in another file. Throws
 * VitreousError where content and shape disagree or the type is not supported, WireError for damaged bytes.
 */
export function readTensor(
  bytes: Uint8Array,
  label: string,
  external: (data: ExternalData, byteLength: number, label: string) => Uint8Array,
): { readonly name: string; readonly tensor: Tensor } {
  const header = readTensorHeader(bytes);
  const name = header.name;
  const what = `${label} "${name}"`;
  const dtype = dataTypeFromCode(header.code);
  const dims = header.dims;
  const count = dims.reduce((product, d) => product * d, 1);
  const shape = `[${dims.join(", ")}]`;
  if (dtype === "string") {
    const strings = readStrings(bytes);
    if (strings.length !== count) {
      throw new VitreousError(`${what} has ${strings.length} strings, but its shape is ${shape}.`);
    }
    return { name, tensor: { dtype, dims, bytes: new Uint8Array(0), strings } };
  }
  if (dtype === "other") {
    throw new VitreousError(`${what} has elements of ${dataTypeName(header.code)}, which is not supported.`);
  }
  const byteLength = count * elementSize(dtype);
  const content =
    header.external === undefined
      ? (readRaw(bytes) ?? readTyped(bytes, header.code, elementSize(dtype)))
      : external(header.external, byteLength, what);
  if (content.length !== byteLength) {
    throw new VitreousError(
      `${what} holds ${content.length} bytes, but ${dtype} of shape ${shape} needs ${byteLength}. The file is damaged.`,
    );
  }
  return { name, tensor: { dtype, dims, bytes: content } };
}

/** Appends the base-128 form of a number below 2⁵³. */
export function pushVarint(out: number[], value: number): void {
  let rest = value;
  while (rest >= 0x80) {
    out.push((rest % 0x80) + 0x80);
    rest = Math.floor(rest / 0x80);
  }
  out.push(rest);
}

function pushBytes(out: number[], field: number, bytes: Uint8Array): void {
  pushVarint(out, field * 8 + BYTES);
  pushVarint(out, bytes.length);
  for (const byte of bytes) out.push(byte);
}

/** A TensorProto as two pieces to be joined: what precedes the content, and the content itself, not copied. */
export function writeTensor(name: string, tensor: Tensor): readonly [Uint8Array, Uint8Array] {
  const code = dataTypeCode(tensor.dtype);
  if (code === undefined) throw new VitreousError(`Constant "${name}" has a type that cannot be written.`);
  const encoder = new TextEncoder();
  const out: number[] = [];
  for (const d of tensor.dims) {
    pushVarint(out, NUMBER.dims * 8 + VARINT);
    pushVarint(out, Number(toInt64(d)));
  }
  pushVarint(out, NUMBER.dataType * 8 + VARINT);
  pushVarint(out, code);
  if (name !== "") pushBytes(out, NUMBER.name, encoder.encode(name));
  if (tensor.dtype === "string") {
    for (const s of tensor.strings ?? []) pushBytes(out, NUMBER.stringData, encoder.encode(s));
    return [Uint8Array.from(out), tensor.bytes.subarray(0, 0)];
  }
  pushVarint(out, NUMBER.rawData * 8 + BYTES);
  pushVarint(out, tensor.bytes.length);
  return [Uint8Array.from(out), tensor.bytes];
}
