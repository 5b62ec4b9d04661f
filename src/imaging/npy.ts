/**
 * @file NumPy's .npy files, read and written: how tensors and maps made elsewhere come in, and how ours go out.
 *
 * Source: numpy.lib.format, versions 1.0 to 3.0.
 */
import { VitreousError } from "../onnx/errors.js";

/** An array as float32, row-major whatever the file's order was. */
export interface NpyArray {
  readonly shape: readonly number[];
  readonly data: Float32Array;
  /** The file's own type: "<f4", ">f8", "|u1", … */
  readonly descr: string;
}

const MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];

type Reader = (view: DataView, offset: number, little: boolean) => number;

/** IEEE half precision. */
function half(view: DataView, offset: number, little: boolean): number {
  const bits = view.getUint16(offset, little);
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** Kind and size in bytes, as numpy spells them. */
const READERS: Readonly<Record<string, Reader>> = {
  f2: half,
  f4: (v, o, l) => v.getFloat32(o, l),
  f8: (v, o, l) => v.getFloat64(o, l),
  b1: (v, o) => v.getUint8(o),
  u1: (v, o) => v.getUint8(o),
  i1: (v, o) => v.getInt8(o),
  u2: (v, o, l) => v.getUint16(o, l),
  i2: (v, o, l) => v.getInt16(o, l),
  u4: (v, o, l) => v.getUint32(o, l),
  i4: (v, o, l) => v.getInt32(o, l),
  u8: (v, o, l) => Number(v.getBigUint64(o, l)),
  i8: (v, o, l) => Number(v.getBigInt64(o, l)),
};

interface Header {
  readonly descr: string;
  readonly fortran: boolean;
  readonly shape: readonly number[];
  /** Where the values begin. */
  readonly start: number;
}

function readHeader(bytes: Uint8Array, view: DataView, name: string): Header {
  if (bytes.length < 10 || MAGIC.some((byte, i) => bytes[i] !== byte)) {
    throw new VitreousError(`${name} is not a NumPy .npy file (its first bytes are not those of one).`);
  }
  const major = bytes[6] as number;
  if (major < 1 || major > 3) {
    throw new VitreousError(`${name} is a .npy file of version ${major}; versions 1 to 3 are known.`);
  }
  const prefix = major === 1 ? 10 : 12;
  const start =
    bytes.length < prefix
      ? Number.POSITIVE_INFINITY
      : prefix + (major === 1 ? view.getUint16(8, true) : view.getUint32(8, true));
  if (start > bytes.length) {
    throw new VitreousError(`${name} is a truncated .npy file: it ends inside its header.`);
  }
  const text = new TextDecoder().decode(bytes.subarray(prefix, start));
  const descr = /'descr':\s*'([^']+)'/.exec(text)?.[1];
  const order = /'fortran_order':\s*(True|False)/.exec(text)?.[1];
  const shape = /'shape':\s*\(([\d,\sL]*)\)/.exec(text)?.[1];
  if (descr === undefined || order === undefined || shape === undefined) {
    throw new VitreousError(
      `${name} holds no plain array of numbers (its .npy header is ${JSON.stringify(text.trim().slice(0, 120))}); save one with numpy.save.`,
    );
  }
  return {
    descr,
    fortran: order === "True",
    shape: shape
      .split(",")
      .filter((s) => s.trim())
      .map((s) => Number.parseInt(s, 10)),
    start,
  };
}

/** Fortran order (first axis fastest) to row-major. */
function toRowMajor(data: Float32Array, shape: readonly number[]): Float32Array {
  const out = new Float32Array(data.length);
  const index = shape.map(() => 0);
  const strides = shape.map((_, axis) => shape.slice(0, axis).reduce((a, b) => a * b, 1));
  for (let o = 0; o < out.length; o++) {
    out[o] = data[index.reduce((sum, i, axis) => sum + i * (strides[axis] as number), 0)] as number;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      index[axis] = (index[axis] as number) + 1;
      if ((index[axis] as number) < (shape[axis] as number)) break;
      index[axis] = 0;
    }
  }
  return out;
}

/**
 * The array in a .npy file, its numbers as float32 (float64 and integers are rounded to it).
 *
 * @param name How messages call the file.
 * @throws VitreousError when the bytes are no .npy file, are cut short, or hold strings, objects or complex numbers.
 */
export function readNpy(bytes: Uint8Array, name: string): NpyArray {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const { descr, fortran, shape, start } = readHeader(bytes, view, name);
  const reader = READERS[descr.slice(1)];
  if (!reader || !"<>|=".includes(descr[0] ?? "")) {
    throw new VitreousError(
      `${name} holds numbers of type "${descr}"; save it as float32 (array.astype("float32")).`,
    );
  }
  const size = Number.parseInt(descr.slice(2), 10);
  const count = shape.reduce((a, b) => a * b, 1);
  if (bytes.length - start < count * size) {
    throw new VitreousError(
      `${name} is a truncated .npy file: an array [${shape.join(", ")}] of ${descr} needs ${count * size} bytes, and ${bytes.length - start} follow its header.`,
    );
  }
  const little = descr[0] !== ">";
  const data = new Float32Array(count);
  if (descr === "<f4") new Uint8Array(data.buffer).set(bytes.subarray(start, start + count * 4));
  else for (let i = 0; i < count; i++) data[i] = reader(view, start + i * size, little);
  return { shape, descr, data: fortran && shape.length > 1 ? toRowMajor(data, shape) : data };
}

/** The shape alone, from a file's first bytes (64 KiB hold every sensible header). */
export function readNpyShape(head: Uint8Array, name: string): readonly number[] {
  return readHeader(head, new DataView(head.buffer, head.byteOffset, head.byteLength), name).shape;
}

/** A float32 .npy file (version 1.0, little-endian, row-major, header padded to 64 bytes). */
export function writeNpy(data: Float32Array, shape: readonly number[]): Uint8Array {
  const count = shape.reduce((a, b) => a * b, 1);
  if (count !== data.length) {
    throw new VitreousError(
      `An array [${shape.join(", ")}] needs ${count} values, but ${data.length} were given.`,
    );
  }
  const tuple = shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(", ")})`;
  const dict = `{'descr': '<f4', 'fortran_order': False, 'shape': ${tuple}, }`;
  const padded = `${dict.padEnd(Math.ceil((10 + dict.length + 1) / 64) * 64 - 11)}\n`;
  const out = new Uint8Array(10 + padded.length + data.length * 4);
  out.set([...MAGIC, 1, 0, padded.length & 255, padded.length >> 8]);
  out.set(new TextEncoder().encode(padded), 10);
  out.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), 10 + padded.length);
  return out;
}

/** Images that are already a model's input: N tensors [channels, height, width]. */
export interface TensorBatch {
  readonly count: number;
  readonly channels: number;
  readonly height: number;
  readonly width: number;
  readonly data: Float32Array;
  /** False for [3,H,W], whose one image has no number in its name. */
  readonly batched: boolean;
}

/** An array as preprocessed images: [C,H,W] or [N,C,H,W], C 1 or 3, floating point, all finite. */
export function asTensorBatch(array: NpyArray, name: string): TensorBatch {
  const { shape, data, descr } = array;
  const batched = shape.length === 4;
  const [count, channels, height, width] = batched ? shape : [1, ...shape];
  if (
    (shape.length !== 3 && !batched) ||
    count === undefined ||
    channels === undefined ||
    height === undefined ||
    width === undefined ||
    (channels !== 3 && channels !== 1) ||
    height < 1 ||
    width < 1
  ) {
    throw new VitreousError(
      `${name} has shape [${shape.join(", ")}]; an image as .npy must be preprocessed float32 [3,H,W] or [N,3,H,W].`,
    );
  }
  if (descr[1] !== "f") {
    throw new VitreousError(
      `${name} holds ${descr} integers; an image as .npy must be the already preprocessed float32 tensor.`,
    );
  }
  if (count === 0) throw new VitreousError(`${name} holds no image: its shape is [${shape.join(", ")}].`);
  const bad = data.findIndex((v) => !Number.isFinite(v));
  if (bad >= 0) {
    throw new VitreousError(
      `${name} holds ${data[bad]} at flat position ${bad}; every value must be a finite number.`,
    );
  }
  return { count, channels, height, width, data, batched };
}
