import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { asTensorBatch, readNpy, readNpyShape, writeNpy } from "./npy.js";

/** A .npy file as numpy would write it. */
function npy(version: number, dict: string, body: Uint8Array): Uint8Array {
  const header = new TextEncoder().encode(`${dict}\n`);
  const size =
    version === 1
      ? [header.length & 255, header.length >> 8]
      : [header.length & 255, header.length >> 8, 0, 0];
  return Uint8Array.from([
    0x93,
    ...new TextEncoder().encode("NUMPY"),
    version,
    0,
    ...size,
    ...header,
    ...body,
  ]);
}

const dict = (descr: string, shape: string, fortran = "False"): string =>
  `{'descr': '${descr}', 'fortran_order': ${fortran}, 'shape': ${shape}, }`;

function numbers(
  values: readonly number[],
  set: (view: DataView, at: number, v: number) => void,
  size: number,
): Uint8Array {
  const view = new DataView(new ArrayBuffer(values.length * size));
  values.forEach((v, i) => {
    set(view, i * size, v);
  });
  return new Uint8Array(view.buffer);
}

describe("NumPy files", () => {
  it("come back as they were written, whatever the shape", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(4), { minLength: 1, maxLength: 4 }), fc.integer(), (shape, seed) => {
        const data = Float32Array.from(
          { length: shape.reduce((a, b) => a * b, 1) },
          (_, i) => i * 0.37 + seed,
        );
        const bytes = writeNpy(data, shape);
        const back = readNpy(bytes, "x");
        expect(back.shape).toEqual(shape);
        expect(back.data).toEqual(data);
        expect((bytes.length - data.byteLength) % 64).toBe(0);
      }),
    );
  });

  it("are read in versions 1 to 3", () => {
    const body = numbers([1, 2.5], (v, at, x) => v.setFloat32(at, x, true), 4);
    for (const version of [1, 2, 3]) {
      expect([...readNpy(npy(version, dict("<f4", "(2,)"), body), "x").data]).toEqual([1, 2.5]);
    }
  });

  it("are read in either byte order, in double and half precision, and as integers", () => {
    const big = numbers([1, -2.5], (v, at, x) => v.setFloat64(at, x, false), 8);
    expect([...readNpy(npy(1, dict(">f8", "(2,)"), big), "x").data]).toEqual([1, -2.5]);
    const half = Uint8Array.from([0x00, 0x3c, 0x00, 0xc1, 0x01, 0x00, 0x00, 0x7c]);
    expect([...readNpy(npy(1, dict("<f2", "(4,)"), half), "x").data]).toEqual([
      1,
      -2.5,
      2 ** -24,
      Number.POSITIVE_INFINITY,
    ]);
    expect([...readNpy(npy(1, dict("|u1", "(2,)"), Uint8Array.of(0, 255)), "x").data]).toEqual([0, 255]);
    const long = numbers([-3], (v, at, x) => v.setBigInt64(at, BigInt(x), true), 8);
    expect([...readNpy(npy(1, dict("<i8", "()"), long), "x").data]).toEqual([-3]);
  });

  it("are turned from Fortran order", () => {
    const body = numbers([0, 3, 1, 4, 2, 5], (v, at, x) => v.setFloat32(at, x, true), 4);
    const a = readNpy(npy(1, dict("<f4", "(2, 3)", "True"), body), "x");
    expect([...a.data]).toEqual([0, 1, 2, 3, 4, 5]);
  });

  it("tell their shape from the header alone", () => {
    const bytes = writeNpy(new Float32Array(3 * 4 * 5), [3, 4, 5]);
    expect(readNpyShape(bytes.subarray(0, 128), "x")).toEqual([3, 4, 5]);
  });

  it("are refused with a reason when they are no array of numbers", () => {
    const body = new Uint8Array(16);
    expect(() => readNpy(new TextEncoder().encode("no numpy at all"), "a.npy")).toThrow(
      /^a\.npy is not a NumPy/,
    );
    expect(() => readNpy(npy(4, dict("<f4", "(1,)"), body), "a.npy")).toThrow(/version 4/);
    expect(() => readNpy(npy(1, dict("|O", "(1,)"), body), "a.npy")).toThrow(/type "\|O"/);
    expect(() => readNpy(npy(1, dict("<c8", "(1,)"), body), "a.npy")).toThrow(/type "<c8"/);
    expect(() => readNpy(npy(1, "{'descr': [('a', '<f4')], }", body), "a.npy")).toThrow(/no plain array/);
    expect(() => readNpy(npy(1, dict("<f4", "(3, 7)"), body), "a.npy")).toThrow(
      /needs 84 bytes, and 16 follow/,
    );
    expect(() => readNpy(npy(1, dict("<f4", "(1,)"), body).subarray(0, 20), "a.npy")).toThrow(
      /inside its header/,
    );
  });

  it("never crash the reader when mutated", () => {
    const good = writeNpy(new Float32Array(12), [3, 2, 2]);
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { maxLength: 6 }),
        fc.nat(good.length),
        (changes, length) => {
          const bytes = good.slice(0, length);
          for (const [at, value] of changes) if (at < length) bytes[at] = value;
          try {
            readNpy(bytes, "x");
          } catch (error) {
            expect((error as Error).name).toBe("VitreousError");
          }
        },
      ),
    );
  });
});

describe("NumPy files as images", () => {
  const tensor = (shape: number[], fill = 0.5): ReturnType<typeof readNpy> =>
    readNpy(writeNpy(new Float32Array(shape.reduce((a, b) => a * b, 1)).fill(fill), shape), "x");

  it("are one image or a batch", () => {
    expect(asTensorBatch(tensor([3, 4, 5]), "x")).toMatchObject({
      count: 1,
      height: 4,
      width: 5,
      batched: false,
    });
    expect(asTensorBatch(tensor([2, 3, 4, 5]), "x")).toMatchObject({ count: 2, channels: 3, batched: true });
  });

  it("must have channels first, floating-point values, no NaN, and something in them", () => {
    expect(() => asTensorBatch(tensor([4, 5, 3]), "a.npy")).toThrow("a.npy has shape [4, 5, 3]");
    expect(() => asTensorBatch(tensor([4]), "a.npy")).toThrow(/shape/);
    expect(() => asTensorBatch(tensor([0, 3, 4, 5]), "a.npy")).toThrow(/no image/);
    expect(() => asTensorBatch(tensor([3, 1, 1], Number.NaN), "a.npy")).toThrow(/NaN at flat position 0/);
    const bytes = npy(1, dict("|u1", "(3, 1, 1)"), Uint8Array.of(1, 2, 3));
    expect(() => asTensorBatch(readNpy(bytes, "a.npy"), "a.npy")).toThrow(/already preprocessed/);
  });
});
