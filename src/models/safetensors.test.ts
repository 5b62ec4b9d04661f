import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { VitreousError } from "../onnx/errors.js";
import { tensorToFloat32, tensorToInts } from "../onnx/tensor.js";
import { readSafetensors } from "./safetensors.js";

type Header = Readonly<Record<string, unknown>>;

function file(header: Header | string, data: Uint8Array): Uint8Array {
  const text = new TextEncoder().encode(typeof header === "string" ? header : JSON.stringify(header));
  const bytes = new Uint8Array(8 + text.length + data.length);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(text.length), true);
  bytes.set(text, 8);
  bytes.set(data, 8 + text.length);
  return bytes;
}

const entry = (dtype: string, shape: readonly number[], begin: number, end: number) => ({
  dtype,
  shape,
  data_offsets: [begin, end],
});
const floats = (...values: number[]) => new Uint8Array(Float32Array.from(values).buffer);

describe("readSafetensors", () => {
  it("gives tensors as views into the file, with their metadata", () => {
    const bytes = file(
      { __metadata__: { format: "pt" }, b: entry("F32", [1], 8, 12), a: entry("F32", [2], 0, 8) },
      floats(1, 2, 3),
    );
    const { tensors, metadata } = readSafetensors(bytes);
    expect([...tensors.keys()]).toEqual(["b", "a"]);
    expect(metadata.get("format")).toBe("pt");
    const a = tensors.get("a");
    expect(a?.bytes.buffer).toBe(bytes.buffer);
    expect(a && Array.from(tensorToFloat32(a))).toEqual([1, 2]);
  });

  it("gives plain bytes also for a Node Buffer, at any alignment", () => {
    const whole = file({ a: entry("F32", [2], 0, 8) }, floats(1, 2));
    for (const shift of [0, 1, 2, 3]) {
      const buffer = Buffer.concat([Buffer.alloc(shift), whole]).subarray(shift);
      const a = readSafetensors(buffer).tensors.get("a") ?? fail("a");
      expect(Buffer.isBuffer(a.bytes)).toBe(false);
      expect(Array.from(tensorToFloat32(a))).toEqual([1, 2]);
    }
  });

  it("reads every element type, empty tensors and scalars", () => {
    const data = new Uint8Array(32);
    data.set([0, 0x3c, 0x80, 0x3f], 0);
    data.set([1, 0, 0, 0, 0, 0, 0, 0], 8);
    const { tensors } = readSafetensors(
      file(
        {
          half: entry("F16", [1], 0, 2),
          brain: entry("BF16", [], 2, 4),
          flags: entry("BOOL", [4], 4, 8),
          count: entry("I64", [1], 8, 16),
          none: entry("F32", [0, 3], 16, 16),
          wide: entry("F64", [2], 16, 32),
        },
        data,
      ),
    );
    const value = (name: string) => Array.from(tensorToFloat32(tensors.get(name) ?? fail(name)));
    expect([value("half"), value("brain"), value("none"), value("wide")]).toEqual([[1], [1], [], [0, 0]]);
    expect(tensorToInts(tensors.get("count") ?? fail("count"))).toEqual([1]);
  });

  const damaged: readonly [string, Uint8Array, RegExp][] = [
    ["an empty file", new Uint8Array(0), /0 bytes/],
    ["a header of terabytes", new Uint8Array(16).fill(255), /claim a header of/],
    [
      "a file cut off in its header",
      file({ a: entry("F32", [2], 0, 8) }, floats(1, 2)).slice(0, 20),
      /cut off/,
    ],
    ["a file cut off in its data", file({ a: entry("F32", [2], 0, 8) }, floats(1)), /cut off/],
    ["a header that is no JSON", file("{]", new Uint8Array(0)), /no JSON/],
    ["a header that is a list", file("[]", new Uint8Array(0)), /no JSON object/],
    ["a header nested very deeply", file("[".repeat(200_000), new Uint8Array(0)), /nested 200000 levels/],
    [
      "a description nested deeply",
      file(`{"a":{"dtype":${"[".repeat(50_000)}${"]".repeat(50_000)}}}`, new Uint8Array(0)),
      /nested 50002 levels/,
    ],
    [
      "a header of countless empty lists",
      file(`[${"[],".repeat(1_000_000)}0]`, new Uint8Array(0)),
      /2000000 values/,
    ],
    [
      "a header of countless names",
      file(`{${Array.from({ length: 200_001 }, (_, i) => `"${i}":0`).join()}}`, new Uint8Array(0)),
      /has 200001 tensors/,
    ],
    [
      "a tensor that is described twice",
      file(
        `{"a":${JSON.stringify(entry("F32", [1], 0, 4))},"a":${JSON.stringify(entry("F32", [1], 0, 4))}}`,
        floats(1),
      ),
      /describes a tensor twice/,
    ],
    [
      "too many dimensions",
      file({ a: entry("F32", new Array(65).fill(1), 0, 4) }, floats(1)),
      /65 dimensions/,
    ],
    [
      "names that would be too much for a message",
      file({ ["x\u202e".repeat(5_000)]: 3 }, new Uint8Array(0)),
      /^.{0,500}$/,
    ],
    ["a tensor without a description", file({ a: 3 }, new Uint8Array(0)), /"a" has no description/],
    [
      "an unknown element type",
      file({ a: entry("F8_E4M3", [1], 0, 1) }, new Uint8Array(1)),
      /F8_E4M3.*supported: F64/,
    ],
    ["a negative dimension", file({ a: entry("F32", [-1], 0, 4) }, floats(1)), /no valid shape/],
    [
      "dimensions that overflow",
      file({ a: entry("F32", [2 ** 40, 2 ** 40], 0, 4) }, floats(1)),
      /too many elements/,
    ],
    [
      "a size that disagrees with the shape",
      file({ a: entry("F32", [3], 0, 4) }, floats(1)),
      /needs 12 bytes/,
    ],
    ["offsets in the wrong order", file({ a: entry("F32", [1], 4, 0) }, floats(1)), /lies at bytes/],
    ["one offset", file({ a: { dtype: "F32", shape: [1], data_offsets: [0] } }, floats(1)), /data_offsets/],
    [
      "overlapping tensors",
      file({ a: entry("F32", [2], 0, 8), b: entry("F32", [1], 4, 8) }, floats(1, 2)),
      /"b" overlaps "a"/,
    ],
    ["a hole", file({ a: entry("F32", [1], 4, 8) }, floats(1, 2)), /leaves unused bytes after the header/],
    [
      "bytes after the last tensor",
      file({ a: entry("F32", [1], 0, 4) }, floats(1, 2)),
      /4 bytes after its last/,
    ],
  ];
  it.each(damaged)("refuses %s", (_what, bytes, message) => {
    expect(() => readSafetensors(bytes, "weights.safetensors")).toThrow(VitreousError);
    expect(() => readSafetensors(bytes, "weights.safetensors")).toThrow(message);
  });

  it("answers any mutation with tensors inside the file or with a clear error", () => {
    const whole = file({ a: entry("F32", [2], 0, 8), b: entry("I64", [1], 8, 16) }, new Uint8Array(16));
    const mutation = fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { maxLength: 6 });
    fc.assert(
      fc.property(mutation, fc.nat(whole.length), (changes, length) => {
        const bytes = whole.slice(0, changes.length === 0 ? length : undefined);
        for (const [at, value] of changes) bytes[at] = value;
        try {
          for (const t of readSafetensors(bytes).tensors.values())
            expect(t.bytes.length).toBeLessThanOrEqual(16);
        } catch (error) {
          expect(error).toBeInstanceOf(VitreousError);
        }
      }),
      { numRuns: 2000 },
    );
  });
});

function fail(name: string): never {
  throw new Error(`no tensor ${name}`);
}
