import { create, toBinary } from "@bufbuild/protobuf";
import { BinaryWriter } from "@bufbuild/protobuf/wire";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { dataTypeCode, dataTypeFromCode } from "../data-type.js";
import type { DataType } from "../graph.js";
import { checkMessage } from "./check.js";
import {
  AttributeProtoSchema,
  TensorProto_DataType as Code,
  NodeProtoSchema,
  TensorProtoSchema,
} from "./generated/onnx_pb.js";
import { pushVarint } from "./tensor-wire.js";
import { BYTES, eachField, readVarint, readVarint64, VARINT, WireError } from "./wire.js";

describe("the wire format", () => {
  it("reads 64-bit numbers as protobuf-es writes them", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), (value) => {
        const bytes = new BinaryWriter().int64(value).finish();
        expect(readVarint64(bytes, 0, true)).toBe(value);
        expect(readVarint64(bytes, 0, false)).toBe(BigInt.asUintN(64, value));
      }),
    );
  });

  it("reads back the lengths it writes", () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), (value) => {
        const out: number[] = [];
        pushVarint(out, value);
        expect(readVarint(Uint8Array.from(out), 0)).toBe(value);
      }),
    );
  });

  it("visits fields with where they lie", () => {
    const bytes = toBinary(NodeProtoSchema, create(NodeProtoSchema, { input: ["ab"], opType: "X" }));
    const seen: number[][] = [];
    eachField(bytes, 0, bytes.length, (...field) => seen.push(field));
    expect(seen).toEqual([
      [1, BYTES, 2, 4],
      [4, BYTES, 6, 7],
    ]);
  });

  it.each([
    ["a number that does not end", [0x08, 0xff, 0xff]],
    ["a number of eleven bytes", [0x08, ...new Array<number>(10).fill(0xff), 1]],
    ["a length beyond the end", [0x0a, 5, 1]],
    ["a group, which ONNX has none of", [0x0b, 0x0c]],
    ["field 0", [0x00, 1]],
  ])("refuses %s", (_, bytes) => {
    expect(() => eachField(Uint8Array.from(bytes), 0, bytes.length, () => undefined)).toThrow(WireError);
  });
});

describe("checkMessage", () => {
  const LARGE = 1e9;

  it("accepts what protobuf-es writes", () => {
    const bytes = toBinary(
      TensorProtoSchema,
      create(TensorProtoSchema, {
        dims: [2n],
        floatData: [1, 2],
        int64Data: [3n],
        rawData: Uint8Array.of(1),
      }),
    );
    expect(() => checkMessage(TensorProtoSchema, bytes, LARGE)).not.toThrow();
  });

  it("refuses a field of the wrong wire type, which protobuf-es would misread", () => {
    expect(() => checkMessage(NodeProtoSchema, Uint8Array.of((1 << 3) | VARINT, 5), LARGE)).toThrow(
      /wrong type/,
    );
  });

  it("refuses a part that reaches out of the one around it", () => {
    // An attribute of 2 bytes whose name claims to have 4; the bytes are there, but outside of it.
    const bytes = Uint8Array.of(0x2a, 2, 0x0a, 4, 0x12, 0, 0x12, 0);
    expect(() => checkMessage(NodeProtoSchema, bytes, LARGE)).toThrow(/beyond the end/);
  });

  it("refuses what would take more memory than allowed", () => {
    const ints = create(AttributeProtoSchema, { ints: new Array<bigint>(1000).fill(1n) });
    const bytes = toBinary(AttributeProtoSchema, ints);
    expect(() => checkMessage(AttributeProtoSchema, bytes, 1000)).toThrow(/more small parts/);
    expect(() => checkMessage(AttributeProtoSchema, bytes, 1e6)).not.toThrow();
  });
});

describe("element types", () => {
  it("have the codes of ONNX's schema", () => {
    const names: [DataType, Code][] = [
      ["float32", Code.FLOAT],
      ["uint8", Code.UINT8],
      ["int8", Code.INT8],
      ["uint16", Code.UINT16],
      ["int16", Code.INT16],
      ["int32", Code.INT32],
      ["int64", Code.INT64],
      ["string", Code.STRING],
      ["bool", Code.BOOL],
      ["float16", Code.FLOAT16],
      ["float64", Code.DOUBLE],
      ["uint32", Code.UINT32],
      ["uint64", Code.UINT64],
      ["bfloat16", Code.BFLOAT16],
    ];
    for (const [name, code] of names) {
      expect(dataTypeCode(name)).toBe(code);
      expect(dataTypeFromCode(code)).toBe(name);
    }
    expect(dataTypeFromCode(Code.INT4)).toBe("other");
    expect(dataTypeCode("other")).toBeUndefined();
  });
});
