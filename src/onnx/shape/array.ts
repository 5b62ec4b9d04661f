/**
 * @file Constants as arrays of numbers, for the arithmetic of constant folding: float32 stays float32 (each store
 * rounds as the runtime would), everything else is held in doubles, exact for the integers that shapes are made of.
 */

import { elementSize } from "../data-type.js";
import type { DataType, Tensor } from "../graph.js";
import { bytesOf, elementCount, tensorToFloat32, tensorToNumbers, toInt64 } from "../tensor.js";

export interface NumberArray {
  readonly dtype: DataType;
  readonly dims: readonly number[];
  /** Not to be written to: it may be a view of the tensor. */
  readonly data: Float32Array | Float64Array;
}

export const countOf = elementCount;

/** Room for an array of the type's numbers. */
export function allocate(dtype: DataType, size: number): Float32Array | Float64Array {
  return dtype === "float32" ? new Float32Array(size) : new Float64Array(size);
}

/** The numbers of a tensor, or undefined for a type that folding does not calculate with. */
export function decode(tensor: Tensor): NumberArray | undefined {
  const { dtype, dims, bytes } = tensor;
  const half = dtype === "float16" || dtype === "bfloat16";
  const width = elementSize(dtype);
  if (half || width === 0 || bytes.byteLength !== countOf(dims) * width) return undefined;
  const data = dtype === "float32" ? tensorToFloat32(tensor) : Float64Array.from(tensorToNumbers(tensor));
  return { dtype, dims, data };
}

/** A tensor of the given numbers; int64 saturates, since a double cannot say 2^63 − 1. */
export function encode({ dtype, dims, data }: NumberArray): Tensor {
  return { dtype, dims, bytes: bytesOf(store(dtype, data)) };
}

function store(dtype: DataType, data: Float32Array | Float64Array): ArrayBufferView {
  switch (dtype) {
    case "float32":
      return data instanceof Float32Array ? data : new Float32Array(data);
    case "float64":
      return new Float64Array(data);
    case "int8":
      return new Int8Array(data);
    case "int16":
      return new Int16Array(data);
    case "uint16":
      return new Uint16Array(data);
    case "int32":
      return new Int32Array(data);
    case "uint32":
      return new Uint32Array(data);
    case "uint64":
      return BigUint64Array.from(data, BigInt);
    case "int64": {
      const words = new BigInt64Array(data.length);
      for (let i = 0; i < data.length; i++) words[i] = toInt64(data[i] ?? 0);
      return words;
    }
    default:
      return new Uint8Array(data);
  }
}

/** A tensor of a few numbers. */
export function tensorOf(dtype: DataType, dims: readonly number[], values: readonly number[]): Tensor {
  const data = allocate(dtype, values.length);
  data.set(values);
  return encode({ dtype, dims, data });
}
