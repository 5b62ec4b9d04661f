/**
 * @file What a pickle of `torch.save` is made of, as plain data. Storages and tensors are descriptions: their bytes
 * lie elsewhere in the file.
 */
import { elementSize } from "../../onnx/data-type.js";
import { VitreousError } from "../../onnx/errors.js";
import type { DataType } from "../../onnx/graph.js";

/** An element type of PyTorch. */
export interface ElementType {
  readonly kind: "dtype";
  /** PyTorch's name: "float32". */
  readonly name: string;
  /** "other" for those that nothing computes with. */
  readonly dtype: DataType;
  /** Bytes of one element. */
  readonly size: number;
}

export interface List {
  readonly kind: "list";
  readonly items: Value[];
}

export interface Tuple {
  readonly kind: "tuple";
  readonly items: readonly Value[];
}

export interface Dict {
  readonly kind: "dict";
  readonly entries: Map<Value, Value>;
}

export interface PySet {
  readonly kind: "set";
  readonly items: Value[];
}

/** A class of storages; a typed one names its element type. */
export interface StorageType {
  readonly kind: "storage type";
  readonly element: ElementType;
}

export interface Storage {
  readonly kind: "storage";
  /** The name of its bytes in the archive. */
  readonly key: string;
  readonly element: ElementType;
  /** Elements. */
  readonly length: number;
}

export interface TensorRecord {
  readonly kind: "tensor";
  readonly storage: Storage;
  readonly element: ElementType;
  /** In elements, as the strides are. */
  readonly offset: number;
  readonly size: readonly number[];
  readonly stride: readonly number[];
}

/** One of the few functions and classes that a file may name, rebuilt here as a function on plain data. */
export interface Callable {
  readonly kind: "callable";
  readonly name: string;
  readonly call: (args: readonly Value[]) => Value;
}

export type Value =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | List
  | Tuple
  | Dict
  | PySet
  | ElementType
  | StorageType
  | Storage
  | TensorRecord
  | Callable;

export function tuple(items: readonly Value[]): Tuple {
  return { kind: "tuple", items };
}

export function dict(): Dict {
  return { kind: "dict", entries: new Map() };
}

/** What messages call a value: "a string", "a list". */
export function describe(value: Value | undefined): string {
  if (value === undefined) return "nothing";
  if (value === null) return "None";
  if (value instanceof Uint8Array) return "bytes";
  if (typeof value !== "object") return typeof value === "bigint" ? "an integer" : `a ${typeof value}`;
  return `a ${value.kind}`;
}

/** A value as one of a kind. */
export function ofKind<
  K extends Exclude<Value, Uint8Array | null | boolean | number | bigint | string>["kind"],
>(value: Value | undefined, kind: K): Extract<Value, { readonly kind: K }> | undefined {
  const found = typeof value === "object" && value !== null && !(value instanceof Uint8Array);
  return found && value.kind === kind ? (value as Extract<Value, { readonly kind: K }>) : undefined;
}

function element(name: string, dtype: DataType, size = elementSize(dtype)): ElementType {
  return { kind: "dtype", name, dtype, size };
}

const UINT8 = element("uint8", "uint8");

/** `torch.<name>`; several names are a type's older ones. */
export const ELEMENT_TYPES: ReadonlyMap<string, ElementType> = new Map(
  [
    element("float32", "float32"),
    element("float64", "float64"),
    element("float16", "float16"),
    element("bfloat16", "bfloat16"),
    element("int64", "int64"),
    element("int32", "int32"),
    element("int16", "int16"),
    element("int8", "int8"),
    UINT8,
    element("uint16", "uint16"),
    element("uint32", "uint32"),
    element("uint64", "uint64"),
    element("bool", "bool"),
    element("complex32", "other", 4),
    element("complex64", "other", 8),
    element("complex128", "other", 16),
    element("float8_e4m3fn", "other", 1),
    element("float8_e4m3fnuz", "other", 1),
    element("float8_e5m2", "other", 1),
    element("float8_e5m2fnuz", "other", 1),
    element("float8_e8m0fnu", "other", 1),
    element("qint8", "other", 1),
    element("quint8", "other", 1),
    element("qint32", "other", 4),
  ].map((type) => [type.name, type]),
);

/** `torch.<name>` → its element type. */
const STORAGES: Readonly<Record<string, string>> = {
  DoubleStorage: "float64",
  FloatStorage: "float32",
  HalfStorage: "float16",
  BFloat16Storage: "bfloat16",
  LongStorage: "int64",
  IntStorage: "int32",
  ShortStorage: "int16",
  CharStorage: "int8",
  ByteStorage: "uint8",
  BoolStorage: "bool",
  ComplexFloatStorage: "complex64",
  ComplexDoubleStorage: "complex128",
  QInt8Storage: "qint8",
  QUInt8Storage: "quint8",
  QInt32Storage: "qint32",
  /** Of bytes; the tensors in it say what they are of. */
  UntypedStorage: "uint8",
};

export const STORAGE_TYPES: ReadonlyMap<string, StorageType> = new Map(
  Object.entries(STORAGES).map(([name, type]) => [
    name,
    { kind: "storage type", element: ELEMENT_TYPES.get(type) ?? UINT8 },
  ]),
);

/** A defect of the pickle, told with the file's name by who opened it. */
export function malformed(why: string): never {
  throw new VitreousError(why);
}
