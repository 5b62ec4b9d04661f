/**
 * @file Bytes that are read piece by piece: a file, or what a page has in memory. Readers of checkpoints go through
 * this one interface, so that they fetch a file's header and then each tensor straight into its place, and no file is
 * ever in memory as a whole.
 */
import { VitreousError } from "../onnx/errors.js";
import type { DataType } from "../onnx/graph.js";
import type { StoredTensor } from "./stored-tensor.js";

export interface ByteSource {
  /** What messages call it: a file's path. */
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  /** Fills `target` with the bytes from `offset` on; throws VitreousError where the source has no such bytes. */
  readonly read: (offset: number, target: Uint8Array) => Promise<void>;
  /** The bytes themselves, where they are in memory anyhow. */
  readonly view?: (offset: number, length: number) => Uint8Array;
}

/** For bytes that ended before their size said they would: the file was cut while it was open. */
export function endedEarly(name: string, offset: number): VitreousError {
  return new VitreousError(
    `${name} ended at byte ${offset}, before a tensor in it was complete: it was changed or cut off while it was read. Copy or download it again.`,
  );
}

/** @param bytes must not change afterwards: tensors are views into them */
export function bytesInMemory(bytes: Uint8Array, name: string): Required<ByteSource> {
  // Not bytes.subarray: of Node's Buffer it would be a Buffer, whose slice() does not copy.
  const view = (offset: number, length: number): Uint8Array => {
    if (offset + length > bytes.byteLength) throw endedEarly(name, bytes.byteLength);
    return new Uint8Array(bytes.buffer, bytes.byteOffset + offset, length);
  };
  return {
    name,
    size: bytes.byteLength,
    view,
    read: async (offset, target) => target.set(view(offset, target.byteLength)),
  };
}

/** A part of a source, as a view where there is one. */
export async function readPart(source: ByteSource, offset: number, length: number): Promise<Uint8Array> {
  if (source.view) return source.view(offset, length);
  const part = new Uint8Array(length);
  await source.read(offset, part);
  return part;
}

/** A tensor whose content lies in one piece at `offset`, `length` bytes long. */
export function tensorAt(
  source: ByteSource,
  offset: number,
  length: number,
  { dtype, dims }: { readonly dtype: DataType; readonly dims: readonly number[] },
): StoredTensor {
  const readInto = (target: Uint8Array): Promise<void> => source.read(offset, target);
  return source.view
    ? { dtype, dims, bytes: source.view(offset, length), readInto }
    : { dtype, dims, readInto };
}

/** A tensor of an element type that nothing computes with: it may lie in a file, and is refused once it is wanted. */
export function unreadableTensor(
  source: ByteSource,
  name: string,
  type: string,
  dims: readonly number[],
): StoredTensor {
  return {
    dtype: "other",
    dims,
    readInto: async () => {
      throw new VitreousError(
        `${source.name}: tensor ${name} has elements of type ${type}, which cannot be computed with. Save it as float32, float16 or bfloat16.`,
      );
    },
  };
}

const SHOWN = 80;

/** Text out of a file, fit for a message: quoted, without control characters, not endless. */
export function quoted(text: string): string {
  const shown = text.length > SHOWN ? `${text.slice(0, SHOWN)}…` : text;
  return JSON.stringify(shown).replace(
    /[\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2066-\u2069]/g,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** No tensor of a model has more. PyTorch's own limit. */
export const MAX_RANK = 64;

/** Elements of a shape; undefined where they are too many to count exactly. */
export function countable(dims: readonly number[]): number | undefined {
  let count = 1;
  for (const d of dims) {
    count *= d;
    if (!Number.isSafeInteger(count)) return undefined;
  }
  return count;
}
