/** @file Reads the arguments of pickle's instructions, none beyond the pickle's end. */
import { malformed } from "./values.js";

/** Bytes of the longest integer: a hash. PyTorch writes none beyond eight. */
const MAX_INTEGER_BYTES = 64;

export interface PickleReader {
  readonly u8: () => number;
  readonly u16: () => number;
  readonly u32: () => number;
  readonly i32: () => number;
  /** A length of eight bytes. */
  readonly u64: () => number;
  /** Big-endian, as pickle has it. */
  readonly f64: () => number;
  /** A copy: it may outlive the pickle. */
  readonly bytes: (length: number) => Uint8Array;
  readonly utf8: (length: number) => string;
  readonly latin1: (length: number) => string;
  /** Up to a line's end. */
  readonly line: () => string;
  /** An integer in two's complement. */
  readonly integer: (length: number) => number | bigint;
  readonly remaining: () => number;
}

function integerOf(bytes: Uint8Array): number | bigint {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let value = 0n;
  let at = bytes.length;
  while (at % 8 !== 0) value = (value << 8n) | BigInt(view.getUint8(--at));
  for (; at > 0; at -= 8) value = (value << 64n) | view.getBigUint64(at - 8, true);
  const signed = BigInt.asIntN(8 * bytes.length, value);
  const small = Number(signed);
  return Number.isSafeInteger(small) ? small : signed;
}

export function pickleReader(pickle: Uint8Array): PickleReader {
  const view = new DataView(pickle.buffer, pickle.byteOffset, pickle.byteLength);
  const utf8 = new TextDecoder("utf-8", { ignoreBOM: true });
  const latin1 = new TextDecoder("latin1");
  let at = 0;

  /** Steps over `length` bytes and says where they began. */
  function step(length: number): number {
    if (length > pickle.byteLength - at) malformed("its pickle ends in the middle of an instruction");
    const from = at;
    at += length;
    return from;
  }

  function part(length: number): Uint8Array {
    const from = step(length);
    return pickle.subarray(from, from + length);
  }

  return {
    u8: () => view.getUint8(step(1)),
    u16: () => view.getUint16(step(2), true),
    u32: () => view.getUint32(step(4), true),
    i32: () => view.getInt32(step(4), true),
    u64: () => Number(view.getBigUint64(step(8), true)),
    f64: () => view.getFloat64(step(8)),
    bytes: (length) => new Uint8Array(part(length)),
    utf8: (length) => utf8.decode(part(length)),
    latin1: (length) => latin1.decode(part(length)),
    line: () => {
      const end = pickle.indexOf(0x0a, at);
      if (end < 0) malformed("its pickle ends in the middle of a name");
      const text = utf8.decode(part(end - at));
      at++;
      return text;
    },
    integer: (length) => {
      if (length > MAX_INTEGER_BYTES) malformed(`its pickle has an integer of ${length} bytes`);
      return integerOf(part(length));
    },
    remaining: () => pickle.byteLength - at,
  };
}
