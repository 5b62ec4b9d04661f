/**
 * @file Walks protobuf's wire format without decoding it: what lies where, and whether it fits. protobuf-es
 * trusts lengths that reach out of their message and ignores wire types, which damaged files get wrong.
 * Format: https://protobuf.dev/programming-guides/encoding/
 */

export const VARINT = 0;
export const FIXED64 = 1;
export const BYTES = 2;
export const FIXED32 = 5;

/** The bytes are not what they should be; decode.ts turns this into the message a user sees. */
export class WireError extends Error {
  constructor(
    message: string,
    /** Where in the bytes. */
    readonly offset: number,
    /** For a length that reaches beyond the end: the number of bytes there should be. */
    readonly needs?: number,
  ) {
    super(message);
  }
}

/** Called with a field's number and wire type and where its payload lies (a varint's own bytes for VARINT). */
export type FieldVisitor = (field: number, wire: number, start: number, end: number) => void;

/** The position after the varint at `pos`. */
export function skipVarint(bytes: Uint8Array, pos: number, end: number): number {
  const limit = Math.min(end, pos + 10);
  let at = pos;
  while (at < limit) {
    if ((bytes[at++] ?? 0) < 0x80) return at;
  }
  throw new WireError("a number does not end", pos, limit === end ? end + 1 : undefined);
}

/** The varint at `pos` as an unsigned number; exact below 2⁵³, which covers tags and lengths. */
export function readVarint(bytes: Uint8Array, pos: number): number {
  let value = 0;
  let scale = 1;
  for (let at = pos; at < pos + 10; at++) {
    const byte = bytes[at] ?? 0;
    value += (byte & 0x7f) * scale;
    if (byte < 0x80) return value;
    scale *= 128;
  }
  return value;
}

/** The varint at `pos` as int64 (or uint64 where `signed` is false). */
export function readVarint64(bytes: Uint8Array, pos: number, signed: boolean): bigint {
  let low = 0;
  let high = 0;
  for (let i = 0; i < 10; i++) {
    const byte = bytes[pos + i] ?? 0;
    const seven = byte & 0x7f;
    const shift = i * 7;
    if (shift < 32) low |= seven << shift;
    if (shift === 28) high |= seven >>> 4;
    else if (shift > 28 && shift < 64) high |= seven << (shift - 32);
    if (byte < 0x80) break;
  }
  const unsigned = (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0);
  return signed ? BigInt.asIntN(64, unsigned) : unsigned;
}

/** Visits the fields of the message in bytes[start, end), each checked to lie inside it. */
export function eachField(bytes: Uint8Array, start: number, end: number, visit: FieldVisitor): void {
  let pos = start;
  while (pos < end) {
    const tagAt = pos;
    pos = skipVarint(bytes, pos, end);
    const tag = readVarint(bytes, tagAt);
    const field = Math.floor(tag / 8);
    const wire = tag % 8;
    if (field === 0 || field >= 2 ** 29) throw new WireError(`there is no field ${field}`, tagAt);
    let from = pos;
    if (wire === VARINT) pos = skipVarint(bytes, pos, end);
    else if (wire === FIXED64) pos += 8;
    else if (wire === FIXED32) pos += 4;
    else if (wire === BYTES) {
      from = skipVarint(bytes, pos, end);
      pos = from + readVarint(bytes, pos);
    } else throw new WireError(`wire type ${wire} is not used by ONNX`, tagAt);
    if (pos > end) throw new WireError(`field ${field} reaches beyond the end`, tagAt, pos);
    visit(field, wire, from, pos);
  }
}
