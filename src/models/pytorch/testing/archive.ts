/** @file Writes small archives and pickles by hand, for tests of what PyTorch would never write. */

const encoder = new TextEncoder();

export type Entries = Readonly<Record<string, Uint8Array | string>>;

export function concat(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** Little-endian numbers of the given widths. */
function record(fields: readonly (readonly [bytes: 2 | 4 | 8, value: number])[]): Uint8Array {
  const bytes = new Uint8Array(fields.reduce((sum, [width]) => sum + width, 0));
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const [width, value] of fields) {
    if (width === 2) view.setUint16(at, value, true);
    else if (width === 4) view.setUint32(at, value, true);
    else view.setBigUint64(at, BigInt(value), true);
    at += width;
  }
  return bytes;
}

export interface ArchiveOptions {
  readonly method?: number;
  readonly flags?: number;
  /** Sizes and places in 64-bit fields. */
  readonly zip64?: boolean;
  /** A size that the directory claims for every entry. */
  readonly claimed?: number;
  readonly comment?: string;
}

/** A zip archive of stored entries. */
export function zip(
  entries: Entries,
  { method = 0, flags = 0, zip64 = false, claimed, comment = "" }: ArchiveOptions = {},
): Uint8Array {
  const parts: Uint8Array[] = [];
  const directory: Uint8Array[] = [];
  let at = 0;
  for (const [name, content] of Object.entries(entries)) {
    const bytes = typeof content === "string" ? encoder.encode(content) : content;
    const title = encoder.encode(name);
    const size = claimed ?? bytes.length;
    const local = record([
      [4, 0x04034b50],
      [2, 20],
      [2, flags],
      [2, method],
      [4, 0],
      [4, 0],
      [4, bytes.length],
      [4, bytes.length],
      [2, title.length],
      [2, 0],
    ]);
    const extra = zip64
      ? record([
          [2, 1],
          [2, 24],
          [8, size],
          [8, size],
          [8, at],
        ])
      : new Uint8Array(0);
    const short = (value: number): number => (zip64 ? 0xffffffff : value);
    directory.push(
      record([
        [4, 0x02014b50],
        [2, 20],
        [2, 20],
        [2, flags],
        [2, method],
        [4, 0],
        [4, 0],
        [4, short(size)],
        [4, short(size)],
        [2, title.length],
        [2, extra.length],
        [2, 0],
        [2, 0],
        [2, 0],
        [4, 0],
        [4, short(at)],
      ]),
      title,
      extra,
    );
    parts.push(local, title, bytes);
    at += local.length + title.length + bytes.length;
  }
  const size = directory.reduce((sum, part) => sum + part.length, 0);
  const count = Object.keys(entries).length;
  if (zip64) {
    directory.push(
      record([
        [4, 0x06064b50],
        [8, 44],
        [2, 20],
        [2, 20],
        [4, 0],
        [4, 0],
        [8, count],
        [8, count],
        [8, size],
        [8, at],
        [4, 0x07064b50],
        [4, 0],
        [8, at + size],
        [4, 1],
      ]),
    );
  }
  const end = record([
    [4, 0x06054b50],
    [2, 0],
    [2, 0],
    [2, count],
    [2, count],
    [4, zip64 ? 0xffffffff : size],
    [4, zip64 ? 0xffffffff : at],
    [2, comment.length],
  ]);
  return concat([...parts, ...directory, end, encoder.encode(comment)]);
}

/** A pickle of protocol 2: instructions as text of the characters 0 to 255, or as bytes. */
export function pickle(...instructions: readonly (string | Uint8Array)[]): Uint8Array {
  const body = instructions.map((part) =>
    typeof part === "string" ? Uint8Array.from(part, (c) => c.charCodeAt(0)) : part,
  );
  return concat([Uint8Array.of(0x80, 2), ...body, Uint8Array.of(0x2e)]);
}

/** Pushes a text. */
export function text(value: string): Uint8Array {
  const bytes = encoder.encode(value);
  return concat([Uint8Array.of(0x58), record([[4, bytes.length]]), bytes]);
}

/** Pushes an integer. */
export function int(value: number): Uint8Array {
  const bytes = new Uint8Array(10);
  bytes.set([0x8a, 8]);
  new DataView(bytes.buffer).setBigInt64(2, BigInt(value), true);
  return bytes;
}

/** Pushes a tuple of integers. */
export function ints(...values: readonly number[]): Uint8Array {
  return concat([Uint8Array.of(0x28), ...values.map(int), Uint8Array.of(0x74)]);
}

export interface TensorOptions {
  readonly storage?: string;
  readonly key?: string;
  /** Elements that the pickle claims for the storage. */
  readonly length?: number;
  readonly offset?: number;
  readonly size?: readonly number[];
  readonly stride?: readonly number[];
}

/** Pushes a tensor, as torch.save writes it. */
export function tensor({
  storage = "FloatStorage",
  key = "0",
  length = 2,
  offset = 0,
  size = [2],
  stride = [1],
}: TensorOptions = {}): Uint8Array {
  const ascii = (value: string): Uint8Array => encoder.encode(value);
  return concat([
    ascii("ctorch._utils\n_rebuild_tensor_v2\n(("),
    text("storage"),
    ascii(`ctorch\n${storage}\n`),
    text(key),
    text("cpu"),
    int(length),
    ascii("tQ"),
    int(offset),
    ints(...size),
    ints(...stride),
    Uint8Array.of(0x89),
    ascii("ccollections\nOrderedDict\n)RtR"),
  ]);
}

/** A file of torch.save that holds this pickle, and two floats in storage "0". */
export function checkpoint(data: Uint8Array, more: Entries = {}, options: ArchiveOptions = {}): Uint8Array {
  const storage = new Uint8Array(Float32Array.of(1, 2).buffer);
  return zip(
    { "archive/data.pkl": data, "archive/data/0": storage, "archive/version": "3\n", ...more },
    options,
  );
}

/** The pickle of a dictionary with one entry. */
export function dictOf(key: string, value: Uint8Array): Uint8Array {
  return pickle("}", text(key), value, "s");
}
