/**
 * @file The element types of ONNX tensors: their codes in the file (TensorProto.DataType) and their sizes.
 */
import type { DataType } from "./graph.js";

/** TensorProto.DataType for the types that Vitreous computes with; everything else is "other". */
const CODES: Readonly<Record<Exclude<DataType, "other">, number>> = {
  float32: 1,
  uint8: 2,
  int8: 3,
  uint16: 4,
  int16: 5,
  int32: 6,
  int64: 7,
  string: 8,
  bool: 9,
  float16: 10,
  float64: 11,
  uint32: 12,
  uint64: 13,
  bfloat16: 16,
};

/** Names of the codes we only mention in messages. */
const OTHER_NAMES: Readonly<Record<number, string>> = {
  14: "complex64",
  15: "complex128",
  17: "float8e4m3fn",
  18: "float8e4m3fnuz",
  19: "float8e5m2",
  20: "float8e5m2fnuz",
  21: "uint4",
  22: "int4",
  23: "float4e2m1",
  24: "float8e8m0",
  25: "uint2",
  26: "int2",
};

const SIZES: Readonly<Record<DataType, number>> = {
  float32: 4,
  float16: 2,
  bfloat16: 2,
  float64: 8,
  int8: 1,
  uint8: 1,
  int16: 2,
  uint16: 2,
  int32: 4,
  uint32: 4,
  int64: 8,
  uint64: 8,
  bool: 1,
  string: 0,
  other: 0,
};

const BY_CODE: ReadonlyMap<number, DataType> = new Map(
  Object.entries(CODES).map(([name, code]) => [code, name as DataType]),
);

/** The type with this code in the file; "other" for types Vitreous does not compute with (int4, float8, complex). */
export function dataTypeFromCode(code: number): DataType {
  return BY_CODE.get(code) ?? "other";
}

/** TensorProto.DataType of a type; undefined for "other", whose code is not kept. */
export function dataTypeCode(dtype: DataType): number | undefined {
  return dtype === "other" ? undefined : CODES[dtype];
}

/** The name of a code for messages. */
export function dataTypeName(code: number): string {
  return BY_CODE.get(code) ?? OTHER_NAMES[code] ?? `type ${code}`;
}

/** Bytes of one element; 0 for "string" and "other", which have no fixed size. */
export function elementSize(dtype: DataType): number {
  return SIZES[dtype];
}

export function isFloatType(dtype: DataType): boolean {
  return dtype === "float32" || dtype === "float16" || dtype === "bfloat16" || dtype === "float64";
}
