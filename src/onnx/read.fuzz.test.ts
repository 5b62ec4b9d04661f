import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  externalTensor,
  protoModel,
  protoNode,
  rawTensor,
  tensorBytes,
  tinyGraph,
} from "../../test/proto-model.js";
import { VitreousError } from "./errors.js";
import { inlineFunctions } from "./functions.js";
import { widenHalf } from "./half.js";
import { AttributeProto_AttributeType as Kind } from "./proto/generated/onnx_pb.js";
import { readModel } from "./read.js";
import { joinPieces, writeModel } from "./write.js";

const fixture = (path: string): Uint8Array =>
  new Uint8Array(readFileSync(fileURLToPath(new URL(`../../test/fixtures/${path}`, import.meta.url))));

const branch = { output: [], node: [protoNode("Neg", ["x"], ["n"])] };

/** Every part of the format, small enough that most changes hit structure and not weights. */
const SEEDS: readonly Uint8Array[] = [
  protoModel(
    tinyGraph([
      rawTensor("w", [4], new Uint8Array(16)),
      tensorBytes({ name: "f", dims: [2n, 2n], dataType: 1, floatData: [1, 2, 3, 4] }),
      tensorBytes({ name: "i", dims: [3n], dataType: 7, int64Data: [1n, -1n, 2n ** 62n] }),
      tensorBytes({ name: "h", dims: [2n], dataType: 10, int32Data: [0x3c00, 0x7bff] }),
      tensorBytes({ name: "s", dims: [1n], dataType: 8, stringData: [Uint8Array.of(65, 0xff)] }),
      externalTensor("e", [2], { location: "file.data", offset: "0", length: "8" }),
    ]),
  ),
  protoModel(
    tinyGraph([rawTensor("w", [4], new Uint8Array(16))], {
      node: [
        protoNode("Constant", [], ["k"], [{ name: "value_ints", type: Kind.INTS, ints: [1n, 2n] }]),
        protoNode(
          "Constant",
          [],
          ["q"],
          [{ name: "value", type: Kind.TENSOR, t: rawTensor("", [1], new Uint8Array(4)) }],
        ),
        protoNode("If", ["x"], ["b"], [{ name: "then_branch", type: Kind.GRAPH, g: branch }] as never),
        protoNode("Add", ["b", "w"], ["y"], [{ name: "f", type: Kind.FLOATS, floats: [1, 2] }]),
      ],
    }),
  ),
  fixture("onnx/functions-nested.onnx"),
  fixture("onnx/functions-overloaded.onnx"),
  fixture("models/hf_vit/legacy-17-fp16.onnx"),
];

type Mutation = (bytes: Uint8Array) => Uint8Array;

const at = (position: number, length: number): number => Math.min(length - 1, Math.floor(position * length));
const place = fc.double({ min: 0, max: 1, noNaN: true });

const flip = fc.tuple(place, fc.integer({ min: 0, max: 255 })).map(
  ([where, value]): Mutation =>
    (bytes) => {
      const copy = bytes.slice();
      copy[at(where, copy.length)] = value;
      return copy;
    },
);

const truncate = place.map(
  (where): Mutation =>
    (bytes) =>
      bytes.slice(0, at(where, bytes.length) + 1),
);

const splice = fc.tuple(place, place, place).map(
  ([from, size, to]): Mutation =>
    (bytes) => {
      const start = at(from, bytes.length);
      const piece = bytes.subarray(start, start + Math.floor(size * 64));
      const target = at(to, bytes.length);
      return joinPieces([bytes.subarray(0, target), piece, bytes.subarray(target)]);
    },
);

const remove = fc.tuple(place, fc.integer({ min: 1, max: 16 })).map(
  ([where, size]): Mutation =>
    (bytes) => {
      const start = at(where, bytes.length);
      return joinPieces([bytes.subarray(0, start), bytes.subarray(start + size)]);
    },
);

/** Huge numbers where lengths, dimensions and counts may be. */
const bomb = fc.tuple(place, fc.constantFrom(4, 5, 8, 9, 10), fc.boolean()).map(
  ([where, size, insert]): Mutation =>
    (bytes) => {
      const start = at(where, bytes.length);
      const varint = new Uint8Array(size).fill(0xff);
      varint[size - 1] = 0x07;
      return joinPieces([bytes.subarray(0, start), varint, bytes.subarray(start + (insert ? 0 : size))]);
    },
);

const mutations = fc.array(fc.oneof(flip, truncate, splice, remove, bomb), { minLength: 1, maxLength: 4 });

const FOREIGN_DATA = new Uint8Array(64);

/** Reads and does all else that this room does with a model; true if it was a model. */
function survives(bytes: Uint8Array): boolean {
  try {
    const model = readModel(bytes, {
      external: (_, offset, length) =>
        FOREIGN_DATA.subarray(offset, length === undefined ? undefined : offset + length),
    });
    joinPieces(writeModel(widenHalf(inlineFunctions(model))));
    return true;
  } catch (error) {
    if (error instanceof VitreousError) {
      expect(error.message.length).toBeLessThan(1000);
      return false;
    }
    throw error;
  }
}

describe("readModel on damaged files", () => {
  it("starts from files that are sound", () => {
    expect(SEEDS.map((bytes) => survives(bytes))).toEqual(SEEDS.map(() => true));
  });

  it("gives a model or one clear error, quickly, and takes memory in proportion to the file", () => {
    const count = { models: 0, errors: 0 };
    let slowest = 0;
    let largest = 0;
    fc.assert(
      fc.property(fc.constantFrom(...SEEDS), mutations, (seed, changes) => {
        const bytes = changes.reduce((file, change) => change(file), seed);
        const before = process.memoryUsage();
        const start = performance.now();
        if (survives(bytes)) count.models++;
        else count.errors++;
        slowest = Math.max(slowest, performance.now() - start);
        const after = process.memoryUsage();
        largest = Math.max(
          largest,
          after.arrayBuffers - before.arrayBuffers + after.heapUsed - before.heapUsed,
        );
      }),
      { numRuns: 4000, seed: 20240607 },
    );
    expect(count.models).toBeGreaterThan(100);
    expect(count.errors).toBeGreaterThan(1000);
    expect(slowest).toBeLessThan(5000);
    expect(largest).toBeLessThan(64 * 2 ** 20);
  });

  it("takes any bytes at all", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(survives(bytes)).toBe(false);
        expect(survives(Uint8Array.from([0x08, 8, ...bytes]))).toBe(false);
      }),
      { numRuns: 2000, seed: 4 },
    );
  });
});
