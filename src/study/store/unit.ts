/**
 * @file A unit's result as bytes: a line of JSON that says what it is, and the arrays behind it as they are in memory.
 * Numbers come back with every bit, and whoever wonders about a file can read its first lines.
 */
import { z } from "zod";
import { VitreousError } from "../../onnx/errors.js";
import type { UnitKey } from "../types.js";

export type UnitArray = Float32Array | Float64Array;

export interface UnitResult {
  /** Plain data. */
  readonly value: unknown;
  readonly arrays: Readonly<Record<string, UnitArray>>;
}

/** JSON with keys in order, so that equal values are equal text. Undefined fields are absent. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_, item: unknown) =>
    typeof item === "object" && item !== null && !Array.isArray(item)
      ? Object.fromEntries(Object.entries(item).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)))
      : item,
  );
}

interface Header {
  readonly key: UnitKey;
  readonly value: unknown;
  readonly arrays: readonly { readonly name: string; readonly type: "f4" | "f8"; readonly length: number }[];
}

/** What reading relies on. */
const headerSchema = z.object({
  value: z.unknown(),
  arrays: z.array(z.object({ name: z.string(), type: z.enum(["f4", "f8"]), length: z.int().nonnegative() })),
});

/** Arrays begin where a Float64Array may. */
const ALIGNMENT = 8;
const NEWLINE = 10;

const padded = (length: number): number => Math.ceil(length / ALIGNMENT) * ALIGNMENT;

export function encodeUnit(key: UnitKey, { value, arrays }: UnitResult): Uint8Array {
  checkByteOrder();
  const entries = Object.entries(arrays);
  const header: Header = {
    key,
    value,
    arrays: entries.map(([name, data]) => ({
      name,
      type: data instanceof Float32Array ? "f4" : "f8",
      length: data.length,
    })),
  };
  const text = new TextEncoder().encode(canonicalJson(header));
  const start = padded(text.length + 1);
  const size = entries.reduce((sum, [, data]) => sum + padded(data.byteLength), start);
  const bytes = new Uint8Array(size).fill(32, text.length, start - 1);
  bytes.set(text);
  bytes[start - 1] = NEWLINE;
  let at = start;
  for (const [, data] of entries) {
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at);
    at += padded(data.byteLength);
  }
  return bytes;
}

/** undefined for bytes that no unit was written as. */
export function decodeUnit(bytes: Uint8Array): UnitResult | undefined {
  checkByteOrder();
  const end = bytes.indexOf(NEWLINE);
  const header = end < 0 ? undefined : headerOf(bytes.subarray(0, end));
  if (header === undefined) return undefined;
  const arrays: Record<string, UnitArray> = {};
  let at = end + 1;
  for (const { name, type, length } of header.arrays) {
    const size = length * (type === "f4" ? 4 : 8);
    if (at + size > bytes.length) return undefined;
    // Node's buffers share their memory when sliced; a copy begins where an array may.
    const { buffer } = new Uint8Array(bytes.subarray(at, at + size));
    arrays[name] = type === "f4" ? new Float32Array(buffer) : new Float64Array(buffer);
    at += padded(size);
  }
  return { value: header.value, arrays };
}

function headerOf(line: Uint8Array): z.output<typeof headerSchema> | undefined {
  try {
    return headerSchema.safeParse(JSON.parse(new TextDecoder().decode(line))).data;
  } catch {
    return undefined;
  }
}

/** Files are little-endian, as every processor that ONNX Runtime is built for. */
function checkByteOrder(): void {
  if (new Uint8Array(Uint16Array.of(1).buffer)[0] !== 1)
    throw new VitreousError("studies are not supported on big-endian processors");
}
