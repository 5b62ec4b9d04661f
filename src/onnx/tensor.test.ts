import { describe, expect, it } from "vitest";
import { elementSize } from "./data-type.js";
import type { Tensor } from "./graph.js";
import {
  boolTensor,
  elementCount,
  float32Tensor,
  int64Tensor,
  scalarFloat,
  stringTensor,
  tensorToFloat32,
  tensorToInts,
  tensorToNumbers,
} from "./tensor.js";

/** The same tensor at an odd address, as in a file. */
function unaligned(t: Tensor): Tensor {
  const buffer = new Uint8Array(t.bytes.length + 1);
  buffer.set(t.bytes, 1);
  return { ...t, bytes: buffer.subarray(1) };
}

const of = (dtype: Tensor["dtype"], data: ArrayBufferView): Tensor => ({
  dtype,
  dims: [data.byteLength / elementSize(dtype)],
  bytes: new Uint8Array(data.buffer),
});

describe("tensors", () => {
  it("are read as float32 at any address", () => {
    const values = [1.5, -2, 3e-40, Infinity];
    const t = float32Tensor([4], values);
    expect([...tensorToFloat32(t)]).toEqual([...Float32Array.from(values)]);
    expect(tensorToFloat32(unaligned(t))).toEqual(tensorToFloat32(t));
    expect(tensorToFloat32(t).buffer).toBe(t.bytes.buffer);
  });

  it.each([
    ["float16", Uint16Array.of(0x3c00, 0xfbff), [1, -65504]],
    ["bfloat16", Uint16Array.of(0x3f80, 0xc000), [1, -2]],
    ["float64", Float64Array.of(0.1, -1e300), [0.1, -1e300]],
    ["int8", Int8Array.of(-128, 5), [-128, 5]],
    ["uint8", Uint8Array.of(255, 5), [255, 5]],
    ["int16", Int16Array.of(-32768, 5), [-32768, 5]],
    ["uint16", Uint16Array.of(65535, 5), [65535, 5]],
    ["int32", Int32Array.of(-(2 ** 31), 5), [-(2 ** 31), 5]],
    ["uint32", Uint32Array.of(2 ** 32 - 1, 5), [2 ** 32 - 1, 5]],
    ["int64", BigInt64Array.of(-(2n ** 53n), -1n), [-(2 ** 53), -1]],
    ["uint64", BigUint64Array.of(2n ** 53n, 1n), [2 ** 53, 1]],
  ] as const)("of %s are read as numbers", (dtype, data, expected) => {
    const t = unaligned(of(dtype, data));
    expect(tensorToNumbers(t)).toEqual(expected);
    expect([...tensorToFloat32(t)]).toEqual([...Float32Array.from(expected)]);
  });

  it("of int64 are clamped to what a number holds exactly", () => {
    const t = of("int64", BigInt64Array.of(2n ** 63n - 1n, -(2n ** 63n), -7n));
    expect(tensorToInts(t)).toEqual([Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER, -7]);
    expect(tensorToInts(int64Tensor([2], [2 ** 63, -(2 ** 64)]))).toEqual([
      Number.MAX_SAFE_INTEGER,
      Number.MIN_SAFE_INTEGER,
    ]);
  });

  it("are made from numbers and booleans", () => {
    expect(tensorToInts(boolTensor([2], [true, false]))).toEqual([1, 0]);
    expect(tensorToNumbers(scalarFloat(2))).toEqual([2]);
    expect(elementCount([])).toBe(1);
    expect(elementCount([2, 0, 3])).toBe(0);
    expect(() => float32Tensor([3], [1])).toThrow(RangeError);
  });

  it("say so when they are not numbers", () => {
    expect(() => tensorToFloat32(stringTensor([1], ["a"]))).toThrow(/string tensor of shape \[1\]/);
    expect(() => tensorToInts(scalarFloat(1))).toThrow(/cannot be read as integers/);
  });
});
