/**
 * @file Files from strangers: whatever is changed in them, a reader gives tensors that can be read or one clear error, in
 * bounded time and memory.
 */
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { VitreousError } from "../onnx/errors.js";
import { bytesInMemory, readPart } from "./byte-source.js";
import { checkpoint, concat } from "./pytorch/testing/archive.js";
import { openZip } from "./pytorch/zip.js";
import { readTensors } from "./read-tensors.js";
import { byteLength } from "./stored-tensor.js";
import { unwrap } from "./wrappings.js";

const FIXTURES = "test/fixtures/weights";

/** What a file may cost: reading it may not even come near. */
const MAX_BYTES = 80 * 2 ** 20;
const MAX_MILLISECONDS = 10_000;

/** Opens a file and reads all that it has; anything but tensors or a VitreousError fails. */
async function survives(bytes: Uint8Array): Promise<void> {
  const start = performance.now();
  try {
    const opened = await readTensors(bytesInMemory(bytes, "file"));
    const { tensors } = unwrap(opened.tensors);
    let total = 0;
    for (const tensor of tensors.values()) {
      const length = byteLength(tensor);
      total += length;
      expect(total).toBeLessThan(MAX_BYTES);
      await tensor.readInto(new Uint8Array(length));
    }
  } catch (error) {
    if (!(error instanceof VitreousError)) throw error;
    expect(error.message.length).toBeLessThan(2_000);
  }
  expect(performance.now() - start).toBeLessThan(MAX_MILLISECONDS);
}

const EXTREMES = [0, 1, 0x7f, 0x80, 0xfe, 0xff];
const byte = fc.oneof(fc.nat(255), fc.constantFrom(...EXTREMES));

/** Bytes changed, cut out, repeated, put in; the file cut off. */
const change = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant("set" as const),
      at: fc.nat(),
      bytes: fc.array(byte, { minLength: 1, maxLength: 8 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("insert" as const),
      at: fc.nat(),
      bytes: fc.array(byte, { minLength: 1, maxLength: 8 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("cut" as const),
      at: fc.nat(),
      length: fc.integer({ min: 1, max: 200 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("repeat" as const),
      at: fc.nat(),
      length: fc.integer({ min: 1, max: 200 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("truncate" as const), at: fc.nat() }) },
);
type Change = typeof change extends fc.Arbitrary<infer T> ? T : never;

function changed(bytes: Uint8Array, how: Change): Uint8Array {
  const at = how.at % (bytes.length + 1);
  const [before, after] = [bytes.subarray(0, at), bytes.subarray(at)];
  switch (how.kind) {
    case "set":
      return concat([before, Uint8Array.from(how.bytes), after.subarray(how.bytes.length)]);
    case "insert":
      return concat([before, Uint8Array.from(how.bytes), after]);
    case "cut":
      return concat([before, after.subarray(how.length)]);
    case "repeat":
      return concat([before, after.subarray(0, how.length), after]);
    case "truncate":
      return before;
  }
}

const changes = fc.array(change, { minLength: 1, maxLength: 4 });

const mutate = (bytes: Uint8Array, list: readonly Change[]): Uint8Array => list.reduce(changed, bytes);

/** The pickle in a file of torch.save. */
async function pickleOf(name: string): Promise<Uint8Array> {
  const source = bytesInMemory(readFileSync(`${FIXTURES}/${name}`), name);
  const { entries, locate } = await openZip(source);
  const entry = [...entries.values()].find((e) => e.name.endsWith("/data.pkl"));
  if (!entry) throw new Error(`${name} has no pickle`);
  return readPart(source, await locate(entry), entry.size);
}

describe("a changed file gives tensors or one clear error", () => {
  const files = [
    "weights.safetensors",
    "views.pth",
    "training.pt",
    "refused/torchscript.pt",
    "refused/legacy.pth",
  ];
  it.each(files)("%s, anywhere", async (name) => {
    const bytes = new Uint8Array(readFileSync(`${FIXTURES}/${name}`));
    await fc.assert(
      fc.asyncProperty(changes, (list) => survives(mutate(bytes, list))),
      { numRuns: 500 },
    );
  });

  it.each(["plain.pth", "protocol5.pth", "views.pth", "refused/evil.pth"])(
    "%s, in its pickle",
    async (name) => {
      const pickle = await pickleOf(name);
      await fc.assert(
        fc.asyncProperty(changes, (list) => survives(checkpoint(mutate(pickle, list)))),
        { numRuns: 1_000 },
      );
    },
  );

  it("plain.pth, in the directory of its archive", async () => {
    const bytes = new Uint8Array(readFileSync(`${FIXTURES}/plain.pth`));
    const end = bytes.length - 22;
    const directory = new DataView(bytes.buffer).getUint32(end + 16, true);
    await fc.assert(
      fc.asyncProperty(changes, (list) =>
        survives(concat([bytes.subarray(0, directory), mutate(bytes.subarray(directory), list)])),
      ),
      { numRuns: 1_000 },
    );
  });

  it("any pickle of any instructions", async () => {
    const code = fc.constantFrom(
      ...Array.from("()tNK0122].lae}dsubhqrjcRQXUGJM\x85\x86\x87\x88\x89\x8a\x8c\x8f\x90\x93\x94\x95", (c) =>
        c.charCodeAt(0),
      ),
    );
    const body = fc.array(fc.oneof({ weight: 4, arbitrary: code }, byte), { maxLength: 60 });
    await fc.assert(
      fc.asyncProperty(body, (codes) => survives(checkpoint(Uint8Array.from([0x80, 2, ...codes, 0x2e])))),
      { numRuns: 2_000 },
    );
  });
});

describe("a safetensors header of any numbers gives tensors or one clear error", () => {
  const number = fc.oneof(
    fc.nat(40),
    fc.constantFrom(
      -1,
      0.5,
      2 ** 31,
      2 ** 32,
      2 ** 40,
      2 ** 53 - 1,
      2 ** 53,
      2 ** 63,
      1e300,
      null,
      "4",
      true,
      [],
      [[]],
      {},
    ),
  );
  const entry = fc.record(
    {
      dtype: fc.constantFrom("F32", "F16", "BOOL", "F8_E4M3", "F4", "", 3, null),
      shape: fc.oneof(fc.array(number, { maxLength: 4 }), number),
      data_offsets: fc.oneof(fc.tuple(number, number), fc.array(number, { maxLength: 3 }), number),
    },
    { requiredKeys: [] },
  );
  const header = fc.dictionary(
    fc.constantFrom("a", "b", "__proto__", "__metadata__", "constructor", "a.b"),
    fc.oneof({ weight: 5, arbitrary: entry }, number),
  );

  it("of any size", async () => {
    await fc.assert(
      fc.asyncProperty(
        header,
        fc.nat(64),
        fc.option(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })),
        async (json, data, claimed) => {
          const text = new TextEncoder().encode(JSON.stringify(json));
          const length = new Uint8Array(8);
          new DataView(length.buffer).setBigUint64(0, claimed ?? BigInt(text.length), true);
          await survives(concat([length, text, new Uint8Array(data)]));
        },
      ),
      { numRuns: 2_000 },
    );
  });
});
