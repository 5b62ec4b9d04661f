/**
 * @file The table of contents of a zip archive as PyTorch writes it: entries that are stored as they are, so that a
 * tensor is read straight from its place. Sizes and places are taken from the central directory at the end; each
 * is checked against the file and against its neighbours before anything is read.
 * Format: https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT
 */
import { VitreousError } from "../../onnx/errors.js";
import { type ByteSource, quoted, readPart } from "../byte-source.js";

const END = 0x06054b50;
const END_BYTES = 22;
const END64_LOCATOR = 0x07064b50;
const END64_LOCATOR_BYTES = 20;
const END64 = 0x06064b50;
const END64_BYTES = 56;
const CENTRAL = 0x02014b50;
const CENTRAL_BYTES = 46;
const LOCAL = 0x04034b50;
const LOCAL_BYTES = 30;
const MAX_COMMENT = 0xffff;
const IN_ZIP64_16 = 0xffff;
const IN_ZIP64_32 = 0xffffffff;
const ZIP64_FIELD = 0x0001;
const ENCRYPTED = 0x0001;
const STORED = 0;

/** A hundred thousand storages; a large training checkpoint has some thousands. */
const MAX_DIRECTORY_BYTES = 16 * 2 ** 20;

export interface ZipEntry {
  readonly name: string;
  /** Bytes of its content. */
  readonly size: number;
  readonly method: number;
  readonly encrypted: boolean;
  /** Where its own header lies. */
  readonly headerAt: number;
  /** Where the next entry, or the directory, begins: its content ends there at the latest. */
  readonly limit: number;
}

export interface Zip {
  readonly entries: ReadonlyMap<string, ZipEntry>;
  /** Where the content of an entry begins. Throws VitreousError for a compressed, encrypted or damaged entry. */
  readonly locate: (entry: ZipEntry) => Promise<number>;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

interface Directory {
  readonly count: number;
  readonly size: number;
  readonly at: number;
}

/** Finds the central directory by the record at the archive's end. */
async function findDirectory(source: ByteSource, damaged: (why: string) => never): Promise<Directory> {
  const tailBytes = Math.min(source.size, END_BYTES + MAX_COMMENT + END64_LOCATOR_BYTES);
  const tailAt = source.size - tailBytes;
  const tail = viewOf(await readPart(source, tailAt, tailBytes));
  let end = tailBytes - END_BYTES;
  while (
    end >= 0 &&
    !(tail.getUint32(end, true) === END && end + END_BYTES + tail.getUint16(end + 20, true) === tailBytes)
  ) {
    end--;
  }
  if (end < 0) return damaged("its end is missing, so it was cut off: copy or download it again");
  const short = {
    disk: tail.getUint16(end + 4, true),
    count: tail.getUint16(end + 10, true),
    size: tail.getUint32(end + 12, true),
    at: tail.getUint32(end + 16, true),
    end: tailAt + end,
  };
  const locator = end - END64_LOCATOR_BYTES;
  const found =
    locator >= 0 && tail.getUint32(locator, true) === END64_LOCATOR
      ? await readEnd64(source, Number(tail.getBigUint64(locator + 8, true)), damaged)
      : short;
  if (
    found === short &&
    (short.count === IN_ZIP64_16 || short.at === IN_ZIP64_32 || short.size === IN_ZIP64_32)
  ) {
    return damaged("the record that would say where its directory lies is missing");
  }
  const { disk, count, size, at } = found;
  if (disk !== 0) return damaged("it is one part of an archive that was split");
  if (size > MAX_DIRECTORY_BYTES) return damaged(`it claims a directory of ${size} bytes`);
  if (!(at + size <= found.end))
    return damaged(`its directory lies at bytes ${at} to ${at + size} of ${source.size}`);
  if (count * CENTRAL_BYTES > size)
    return damaged(`it claims ${count} entries in a directory of ${size} bytes`);
  return found;
}

async function readEnd64(
  source: ByteSource,
  at: number,
  damaged: (why: string) => never,
): Promise<Directory & { readonly disk: number; readonly end: number }> {
  if (at + END64_BYTES > source.size)
    return damaged(`its directory's record lies at byte ${at} of ${source.size}`);
  const record = viewOf(await readPart(source, at, END64_BYTES));
  if (record.getUint32(0, true) !== END64) return damaged("its directory's record is not where it should be");
  return {
    disk: record.getUint32(16, true),
    count: Number(record.getBigUint64(32, true)),
    size: Number(record.getBigUint64(40, true)),
    at: Number(record.getBigUint64(48, true)),
    end: at,
  };
}

/** The 64-bit values of an entry's extra field, which stand for those of its header that are all ones. */
function zip64Values(extra: DataView): readonly number[] {
  for (let at = 0; at + 4 <= extra.byteLength; ) {
    const size = extra.getUint16(at + 2, true);
    const end = Math.min(at + 4 + size, extra.byteLength);
    if (extra.getUint16(at, true) === ZIP64_FIELD) {
      const values: number[] = [];
      for (let v = at + 4; v + 8 <= end; v += 8) values.push(Number(extra.getBigUint64(v, true)));
      return values;
    }
    at = end;
  }
  return [];
}

type Unbounded = Omit<ZipEntry, "limit"> & { readonly compressed: number; readonly nameBytes: number };

function readEntries(
  bytes: Uint8Array,
  count: number,
  damaged: (why: string) => never,
): readonly Unbounded[] {
  const view = viewOf(bytes);
  const text = new TextDecoder("utf-8");
  const entries: Unbounded[] = [];
  let at = 0;
  for (let i = 0; i < count; i++) {
    if (at + CENTRAL_BYTES > bytes.length || view.getUint32(at, true) !== CENTRAL) {
      return damaged(`entry ${i} of its directory is missing`);
    }
    const nameBytes = view.getUint16(at + 28, true);
    const extraBytes = view.getUint16(at + 30, true);
    const nameAt = at + CENTRAL_BYTES;
    const next = nameAt + nameBytes + extraBytes + view.getUint16(at + 32, true);
    if (next > bytes.length) return damaged(`entry ${i} of its directory is cut off`);
    const wide = zip64Values(new DataView(bytes.buffer, bytes.byteOffset + nameAt + nameBytes, extraBytes));
    let taken = 0;
    const widened = (value: number): number =>
      value === IN_ZIP64_32
        ? (wide[taken++] ?? damaged(`entry ${i} of its directory lacks its size`))
        : value;
    const size = widened(view.getUint32(at + 24, true));
    const compressed = widened(view.getUint32(at + 20, true));
    entries.push({
      name: text.decode(bytes.subarray(nameAt, nameAt + nameBytes)),
      size,
      compressed,
      method: view.getUint16(at + 10, true),
      encrypted: (view.getUint16(at + 8, true) & ENCRYPTED) !== 0,
      headerAt: widened(view.getUint32(at + 42, true)),
      nameBytes,
    });
    at = next;
  }
  return entries;
}

/**
 * @param source starts with "PK"
 * @throws VitreousError for an archive that is cut off or damaged, or whose entries overlap
 */
export async function openZip(source: ByteSource): Promise<Zip> {
  const damaged = (why: string): never => {
    throw new VitreousError(`${source.name} is a damaged zip archive: ${why}.`);
  };
  const directory = await findDirectory(source, damaged);
  const bytes = await readPart(source, directory.at, directory.size);
  const entries = new Map<string, ZipEntry>();
  let limit = directory.at;
  const found = readEntries(bytes, directory.count, damaged);
  for (const entry of [...found].sort((a, b) => b.headerAt - a.headerAt)) {
    const { name, headerAt, size, compressed, method, encrypted, nameBytes } = entry;
    if (entries.has(name)) return damaged(`it has two entries ${quoted(name)}`);
    // Of compressed ones nothing is read; their size is what they would have.
    if (!(headerAt + LOCAL_BYTES + nameBytes + compressed <= limit)) {
      return damaged(`its entry ${quoted(name)} overlaps the next one`);
    }
    if (method === STORED && size !== compressed) return damaged(`its entry ${quoted(name)} has two sizes`);
    entries.set(name, { name, size, method, encrypted, headerAt, limit });
    limit = headerAt;
  }
  const locate = async ({ name, size, method, encrypted, headerAt, limit }: ZipEntry): Promise<number> => {
    if (encrypted || method !== STORED) {
      throw new VitreousError(
        `${source.name}: its entry ${quoted(name)} is ${encrypted ? "encrypted" : "compressed"}; PyTorch stores entries as they are. Save the file again with torch.save.`,
      );
    }
    const header = await readPart(source, headerAt, LOCAL_BYTES);
    const view = viewOf(header);
    if (view.getUint32(0, true) !== LOCAL)
      return damaged(`its entry ${quoted(name)} is not where it should be`);
    const nameBytes = view.getUint16(26, true);
    const at = headerAt + LOCAL_BYTES + nameBytes + view.getUint16(28, true);
    if (at + size > limit) return damaged(`its entry ${quoted(name)} overlaps the next one`);
    return at;
  };
  return { entries, locate };
}
