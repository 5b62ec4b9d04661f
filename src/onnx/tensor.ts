/**
 * @file Reading and making constants. A tensor's bytes are usually an unaligned view into the model file, so
 * they are read through these functions, never through a typed array laid over the file's buffer.
 */
import { elementSize } from "./data-type.js";
import { VitreousError } from "./errors.js";
import { bfloat16ToFloat32, float16ToFloat32Bits } from "./float16.js";
import type { DataType, Tensor } from "./graph.js";

/** Number of elements (1 for a scalar). */
export function elementCount(dims: readonly number[]): number {
  return dims.reduce((product, d) => product * d, 1);
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** The bytes of a typed array, without a copy. */
export function bytesOf(data: ArrayBufferView): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

/** The bytes at an address that is a multiple of `size`, as typed arrays need it; copied only if they are not. */
function aligned(bytes: Uint8Array, size: number): Uint8Array {
  return bytes.byteOffset % size === 0 ? bytes : new Uint8Array(bytes);
}

function refuse(t: Tensor, wanted: string): never {
  throw new VitreousError(`A ${t.dtype} tensor of shape [${t.dims.join(", ")}] cannot be read as ${wanted}.`);
}

type NumberReader = (view: DataView, byteOffset: number) => number;

const NUMBER_READERS: Readonly<Partial<Record<DataType, NumberReader>>> = {
  float64: (v, o) => v.getFloat64(o, true),
  bfloat16: (v, o) => bfloat16ToFloat32(v.getUint16(o, true)),
  int8: (v, o) => v.getInt8(o),
  uint8: (v, o) => v.getUint8(o),
  bool: (v, o) => (v.getUint8(o) === 0 ? 0 : 1),
  int16: (v, o) => v.getInt16(o, true),
  uint16: (v, o) => v.getUint16(o, true),
  int32: (v, o) => v.getInt32(o, true),
  uint32: (v, o) => v.getUint32(o, true),
  // hi·2³² + lo: exact up to 2⁵³, the nearest double beyond (INT64_MAX becomes 2⁶³).
  int64: (v, o) => v.getInt32(o + 4, true) * 2 ** 32 + v.getUint32(o, true),
  uint64: (v, o) => v.getUint32(o + 4, true) * 2 ** 32 + v.getUint32(o, true),
};

/**
 * The elements as float32, row-major. An aligned float32 tensor is returned as a view, not a copy: do not write
 * into the result. Strings throw.
 */
export function tensorToFloat32(t: Tensor): Float32Array {
  const count = elementCount(t.dims);
  if (t.dtype === "float32") {
    const bytes = aligned(t.bytes, 4);
    return new Float32Array(bytes.buffer, bytes.byteOffset, count);
  }
  const result = new Float32Array(count);
  if (t.dtype === "float16") {
    const bytes = aligned(t.bytes, 2);
    const halves = new Uint16Array(bytes.buffer, bytes.byteOffset, count);
    const bits = new Uint32Array(result.buffer);
    for (let i = 0; i < count; i++) bits[i] = float16ToFloat32Bits(halves[i] ?? 0);
    return result;
  }
  const read = NUMBER_READERS[t.dtype] ?? refuse(t, "numbers");
  const view = viewOf(t.bytes);
  const size = elementSize(t.dtype);
  for (let i = 0; i < count; i++) result[i] = read(view, i * size);
  return result;
}

/** The elements as numbers, row-major, whatever the numeric type: float64 and integers up to 2⁵³ are exact. */
export function tensorToNumbers(t: Tensor): number[] {
  if (t.dtype === "float32" || t.dtype === "float16") return Array.from(tensorToFloat32(t));
  const read = NUMBER_READERS[t.dtype] ?? refuse(t, "numbers");
  const view = viewOf(t.bytes);
  const size = elementSize(t.dtype);
  return Array.from({ length: elementCount(t.dims) }, (_, i) => read(view, i * size));
}

/**
 * The elements of an integer or bool tensor. Integers beyond ±(2⁵³−1) are clamped there: exporters write
 * INT64_MAX for "to the end", and a clamped value still means that. Other types throw.
 */
export function tensorToInts(t: Tensor): number[] {
  if (t.dtype === "string" || t.dtype === "other" || t.dtype.includes("float")) refuse(t, "integers");
  return tensorToNumbers(t).map((v) =>
    Math.max(Number.MIN_SAFE_INTEGER, Math.min(Number.MAX_SAFE_INTEGER, v)),
  );
}

function checkCount(dims: readonly number[], count: number): void {
  if (elementCount(dims) !== count) throw new RangeError(`${count} elements for shape [${dims.join(", ")}]`);
}

/** A float32 constant; a Float32Array is not copied. */
export function float32Tensor(dims: readonly number[], data: ArrayLike<number>): Tensor {
  checkCount(dims, data.length);
  const array = data instanceof Float32Array ? data : Float32Array.from(data);
  return { dtype: "float32", dims, bytes: bytesOf(array) };
}

const INT64_MAX = 2n ** 63n - 1n;
const INT64_MIN = -(2n ** 63n);

/** A number as int64: truncated, and clamped to the type's range (2⁶³ stands for INT64_MAX). */
export function toInt64(value: number): bigint {
  if (value >= 2 ** 63) return INT64_MAX;
  if (value <= -(2 ** 63)) return INT64_MIN;
  return BigInt(Math.trunc(value));
}

/** An int64 constant. Numbers are clamped to the range of int64. */
export function int64Tensor(dims: readonly number[], values: readonly number[]): Tensor {
  checkCount(dims, values.length);
  return { dtype: "int64", dims, bytes: bytesOf(BigInt64Array.from(values, toInt64)) };
}

export function boolTensor(dims: readonly number[], values: readonly boolean[]): Tensor {
  checkCount(dims, values.length);
  return { dtype: "bool", dims, bytes: Uint8Array.from(values, Number) };
}

/** A float32 constant of rank 0. */
export function scalarFloat(value: number): Tensor {
  return float32Tensor([], [value]);
}

/** A constant of strings. */
export function stringTensor(dims: readonly number[], strings: readonly string[]): Tensor {
  checkCount(dims, strings.length);
  return { dtype: "string", dims, bytes: new Uint8Array(0), strings };
}
