import { describe, expect, it } from "vitest";
import type { Tensor } from "../onnx/graph.js";
import { bytesOf, float32Tensor, tensorToFloat32 } from "../onnx/tensor.js";
import { joinPieces } from "../onnx/write.js";
import { readSafetensors } from "./safetensors.js";
import { writeSafetensors } from "./write-safetensors.js";

const weights = float32Tensor([2, 3], Float32Array.of(0, 1, -2.5, 3e-5, 65504, -0.1));
const counts: Tensor = { dtype: "int64", dims: [1], bytes: bytesOf(BigInt64Array.of(7n)) };
const mask: Tensor = { dtype: "bool", dims: [3], bytes: Uint8Array.of(1, 0, 1) };
const tensors = new Map([
  ["z.weight", weights],
  ["mask", mask],
  ["a.weight", weights],
  ["count", counts],
]);

describe("writing safetensors", () => {
  it("is read back bit for bit, with PyTorch's format named", () => {
    const file = readSafetensors(joinPieces(writeSafetensors(tensors)), "test");
    expect(file.metadata.get("format")).toBe("pt");
    for (const [name, tensor] of tensors) {
      const read = file.tensors.get(name);
      expect({ ...read, bytes: [...(read?.bytes ?? [])] }).toEqual({ ...tensor, bytes: [...tensor.bytes] });
    }
  });

  it("puts larger elements first, then names in order, and the data at a multiple of eight", () => {
    const pieces = writeSafetensors(tensors);
    const file = readSafetensors(joinPieces(pieces), "test");
    expect([...file.tensors.keys()]).toEqual(["count", "a.weight", "z.weight", "mask"]);
    expect((pieces[0]?.length ?? 1) % 8).toBe(0);
  });

  it("rounds to float16 on request and leaves integers alone", () => {
    const file = readSafetensors(joinPieces(writeSafetensors(tensors, "float16")), "test");
    const read = file.tensors.get("a.weight");
    expect(read?.dtype).toBe("float16");
    expect(file.tensors.get("count")?.dtype).toBe("int64");
    const values = read === undefined ? [] : [...tensorToFloat32(read)];
    expect(values[4]).toBe(65504);
    expect(values[5]).toBeCloseTo(-0.1, 4);
  });

  it("widens halves to float32 on request", () => {
    const halves = readSafetensors(joinPieces(writeSafetensors(tensors, "float16")), "test").tensors;
    const file = readSafetensors(joinPieces(writeSafetensors(halves, "float32")), "test");
    expect(file.tensors.get("z.weight")?.dtype).toBe("float32");
  });

  it("refuses numbers beyond float16 by the tensor's name", () => {
    const large = new Map([["head.weight", float32Tensor([1], Float32Array.of(7e4))]]);
    expect(() => writeSafetensors(large, "float16")).toThrow(/head\.weight holds 70000.*float32/);
  });

  it("holds names that objects treat in a way of their own", () => {
    const odd = new Map([
      ["__proto__", mask],
      ['with "quotes"', mask],
    ]);
    const file = readSafetensors(joinPieces(writeSafetensors(odd)), "test");
    expect([...file.tensors.keys()]).toContain('with "quotes"');
  });

  it("writes a file without tensors", () => {
    expect(readSafetensors(joinPieces(writeSafetensors(new Map())), "test").tensors.size).toBe(0);
  });
});
