/**
 * @file Writes safetensors, so that what was trained here opens in the libraries it came from. The file is given in
 * pieces, each tensor's bytes as they lie in memory, so that nothing is held twice.
 * Format: https://huggingface.co/docs/safetensors
 */
import { elementSize } from "../onnx/data-type.js";
import { VitreousError } from "../onnx/errors.js";
import { float32ToFloat16 } from "../onnx/float16.js";
import type { DataType, Tensor } from "../onnx/graph.js";
import { bytesOf, elementCount, tensorToFloat32 } from "../onnx/tensor.js";

const NAMES: Readonly<Partial<Record<DataType, string>>> = {
  float64: "F64",
  float32: "F32",
  float16: "F16",
  bfloat16: "BF16",
  int64: "I64",
  int32: "I32",
  int16: "I16",
  int8: "I8",
  uint64: "U64",
  uint32: "U32",
  uint16: "U16",
  uint8: "U8",
  bool: "BOOL",
};

/** The data begins at a multiple of this, for readers that map the file. */
const ALIGNMENT = 8;

/** Largest finite number of float16. */
const LARGEST_HALF = 65504;

/** What transformers asks for in the metadata of files that it reads with PyTorch. */
const METADATA = { format: "pt" };

export type Precision = "float32" | "float16";

function toHalf(name: string, tensor: Tensor): Tensor {
  const values = tensorToFloat32(tensor);
  const halves = new Uint16Array(values.length);
  for (let i = 0; i < values.length; i++) {
    const value = values[i] ?? 0;
    if (Math.abs(value) > LARGEST_HALF) {
      throw new VitreousError(
        `${name} holds ${value}, which float16 cannot: its largest number is ${LARGEST_HALF}. Save in float32.`,
      );
    }
    halves[i] = float32ToFloat16(value);
  }
  return { dtype: "float16", dims: tensor.dims, bytes: bytesOf(halves) };
}

function inPrecision(name: string, tensor: Tensor, precision: Precision | undefined): Tensor {
  if (precision === undefined || !tensor.dtype.includes("float") || tensor.dtype === precision) return tensor;
  if (precision === "float16") return toHalf(name, tensor);
  return { dtype: "float32", dims: tensor.dims, bytes: bytesOf(tensorToFloat32(tensor)) };
}

/** In the format's order: larger elements first, so that all are aligned, then by name. */
function ordered(tensors: ReadonlyMap<string, Tensor>): readonly (readonly [string, Tensor])[] {
  return [...tensors].sort(([a, x], [b, y]) => {
    const bySize = elementSize(y.dtype) - elementSize(x.dtype);
    return bySize !== 0 ? bySize : a < b ? -1 : a > b ? 1 : 0;
  });
}

/**
 * A safetensors file in pieces, to be written one after the other.
 *
 * @param precision what floating point numbers are written as; as they are, where it is not given
 * @throws VitreousError for tensors of types that the format has no name for, and numbers that float16 cannot hold
 */
export function writeSafetensors(
  tensors: ReadonlyMap<string, Tensor>,
  precision?: Precision,
): readonly Uint8Array[] {
  const written = new Map(
    [...tensors].map(([name, tensor]) => [name, inPrecision(name, tensor, precision)] as const),
  );
  const header: [string, unknown][] = [["__metadata__", METADATA]];
  const pieces: Uint8Array[] = [];
  let at = 0;
  for (const [name, { dtype, dims, bytes }] of ordered(written)) {
    const type = NAMES[dtype];
    if (type === undefined)
      throw new VitreousError(`${name} is of type ${dtype}, which safetensors cannot hold.`);
    const length = elementCount(dims) * elementSize(dtype);
    if (bytes.length !== length)
      throw new RangeError(`${name}: ${bytes.length} bytes for [${dims.join(", ")}]`);
    header.push([name, { dtype: type, shape: dims, data_offsets: [at, at + length] }]);
    pieces.push(bytes);
    at += length;
  }
  return [headerOf(header), ...pieces];
}

/** Eight bytes of length, and the JSON with spaces behind it. */
function headerOf(entries: readonly (readonly [string, unknown])[]): Uint8Array {
  // Written entry by entry: an object would take a tensor called "__proto__" for something else.
  const json = `{${entries.map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`).join(",")}}`;
  const text = new TextEncoder().encode(json);
  const length = Math.ceil(text.length / ALIGNMENT) * ALIGNMENT;
  const out = new Uint8Array(ALIGNMENT + length).fill(0x20);
  new DataView(out.buffer).setBigUint64(0, BigInt(length), true);
  out.set(text, ALIGNMENT);
  return out;
}
