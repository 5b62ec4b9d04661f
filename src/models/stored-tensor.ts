/**
 * @file A checkpoint's tensors as they lie in a file: described at once, read when they are needed. Everything that can
 * be wrong with a checkpoint's names and shapes is found before a byte of weights is read, and no file is ever held
 * in memory beside the model made from it.
 */
import { elementSize } from "../onnx/data-type.js";
import type { DataType, Tensor } from "../onnx/graph.js";
import { elementCount } from "../onnx/tensor.js";

export interface StoredTensor {
  readonly dtype: DataType;
  readonly dims: readonly number[];
  /** Row-major little-endian content, where it is in memory anyhow. It may be unaligned. */
  readonly bytes?: Uint8Array;
  /** Fills `target`, which is exactly as long as the content, row-major and little-endian. */
  readonly readInto: (target: Uint8Array) => Promise<void>;
}

/** Name → tensor, in the order of the file. */
export type StoredTensors = ReadonlyMap<string, StoredTensor>;

/** What architectures see of a checkpoint's tensors. */
export type TensorShapes = ReadonlyMap<string, { readonly dims: readonly number[] }>;

export function byteLength({ dtype, dims }: Pick<StoredTensor, "dtype" | "dims">): number {
  return elementCount(dims) * elementSize(dtype);
}

/** A tensor that is in memory already. */
export function stored(tensor: Tensor): StoredTensor {
  return {
    dtype: tensor.dtype,
    dims: tensor.dims,
    bytes: tensor.bytes,
    readInto: async (target) => target.set(tensor.bytes),
  };
}

/** Tensors that are in memory already. */
export function storedTensors(tensors: ReadonlyMap<string, Tensor>): StoredTensors {
  return new Map([...tensors].map(([name, tensor]) => [name, stored(tensor)]));
}
