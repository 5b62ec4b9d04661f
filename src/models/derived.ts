/**
 * @file Tensors made of a checkpoint's, when they are read: slices, sums and resized tables that one library keeps where
 * another keeps something else. Always float32, which holds the other types' numbers exactly.
 */
import { bytesOf, elementCount, float32Tensor } from "../onnx/tensor.js";
import { type StoredTensor, stored } from "./stored-tensor.js";
import { readFloats } from "./weights.js";

/** A tensor that `compute` makes of others. */
export function derived(
  dims: readonly number[],
  parts: readonly StoredTensor[],
  compute: (parts: readonly Float32Array[]) => Float32Array,
): StoredTensor {
  return {
    dtype: "float32",
    dims,
    readInto: async (target) => {
      const values: Float32Array[] = [];
      for (const part of parts) values.push(await readFloats(part));
      target.set(bytesOf(compute(values)));
    },
  };
}

/** Numbers that are in memory. */
export const given = (dims: readonly number[], values: Float32Array): StoredTensor =>
  stored(float32Tensor(dims, values));

export const filled = (dims: readonly number[], value: number): StoredTensor =>
  given(dims, new Float32Array(elementCount(dims)).fill(value));

/** Rows [from, from + count) of the first axis. */
export function rows(tensor: StoredTensor, from: number, count: number): StoredTensor {
  const [, ...rest] = tensor.dims;
  const width = elementCount(rest);
  return derived([count, ...rest], [tensor], ([values = new Float32Array()]) =>
    values.slice(from * width, (from + count) * width),
  );
}

/** One below the other along the first axis. */
export function stacked(first: StoredTensor, second: StoredTensor): StoredTensor {
  const [a = 0, ...rest] = first.dims;
  return derived([a + (second.dims[0] ?? 0), ...rest], [first, second], (values) => {
    const out = new Float32Array(values.reduce((sum, { length }) => sum + length, 0));
    out.set(values[0] ?? []);
    out.set(values[1] ?? [], values[0]?.length ?? 0);
    return out;
  });
}
