/**
 * @file A look at a picture's file, which is read once: its sides, the hash that knows its twins, and on request the
 * fingerprint that knows those that look almost the same. What was seen is kept in a file of the caller's and holds until
 * a picture's length or time changes, so that thousands need not be read again whenever a long work goes on.
 */
import { createHash } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import { resolve } from "node:path";
import { z } from "zod";
import { writeFileAtomic } from "../imaging/node/atomic.js";
import { headerOf } from "../imaging/node/decode.js";
import { readBytes, readFailure } from "../imaging/node/file-error.js";
import { greyThumbnail } from "../imaging/node/thumbnail.js";
import { inOrder } from "../in-order.js";
import { VitreousError } from "../onnx/errors.js";
import { type Fingerprint, fingerprintOf, LENGTH, THUMBNAIL } from "./fingerprint.js";

export type Look = { readonly sha256: string } & (
  | {
      readonly width: number;
      readonly height: number;
      /** undefined for a picture of one shade, where no pixel can be decoded, and where it was not asked for. */
      readonly fingerprint: Fingerprint | undefined;
    }
  /** Why it is no picture, in one sentence. */
  | { readonly failure: string }
);

export interface LookOptions {
  /** Whether its fingerprint is asked for, which takes decoding it; not by default. */
  readonly fingerprint?: boolean;
}

/** @throws VitreousError for a file that cannot be read at all */
export type Looker = (path: string, options?: LookOptions) => Promise<Look>;

const hashOfBytes = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

/** Of a file's bytes, hexadecimal; whether they are a picture is not looked at. */
export const hashOf = async (path: string): Promise<string> => hashOfBytes(await readBytes(path));

export const lookAt: Looker = async (path, options) => {
  const bytes = await readBytes(path);
  const sha256 = hashOfBytes(bytes);
  try {
    const sides = await headerOf(bytes, path);
    if (!options?.fingerprint) return { sha256, ...sides, fingerprint: undefined };
    const grey = await greyThumbnail(bytes, path, THUMBNAIL);
    return { sha256, ...sides, fingerprint: grey && fingerprintOf(grey) };
  } catch (error) {
    if (!(error instanceof VitreousError)) throw error;
    return { sha256, failure: error.message };
  }
};

/** Looks under way at a time: libuv, whose threads read and decode, has four. */
const AT_ONCE = 4;

/** What `look` says of each item, in their order, a few at a time. Throws the signal's reason when it is aborted. */
export const lookAtEach = <Item, T>(
  items: readonly Item[],
  look: (item: Item) => Promise<T>,
  signal: AbortSignal | undefined,
): AsyncGenerator<T, void, undefined> =>
  inOrder(0, items.length, AT_ONCE - 1, (i) => look(items[i] as Item), signal);

const length = z.number().nonnegative();
/** Changes when a row or a fingerprint does: pictures are then looked at again. */
const SEEN = 2;

/** A fingerprint's bytes, base64; nothing where there is none. */
const print = z.string().refine((text) => [0, LENGTH].includes(Buffer.from(text, "base64").length));

const seen = z.object({
  version: z.literal(SEEN),
  /**
   * By path: length, time of change in milliseconds, hash, width, height, fingerprint (null where it was not asked for).
   * What is no picture is looked at again.
   */
  images: z.record(z.string(), z.tuple([length, z.number(), z.string(), length, length, print.nullable()])),
});

type Row = z.output<typeof seen>["images"][string];

export interface RememberedLooks {
  readonly look: Looker;
  /** Writes what was seen, where anything was new. Its folder must exist. */
  readonly save: () => Promise<void>;
}

/** @param file where it was kept, if it was; one that cannot be read counts as none, since all of it can be seen again */
export async function rememberedLooks(file: string): Promise<RememberedLooks> {
  const rows = new Map<string, Row>(Object.entries(await readRows(file)));
  let news = false;
  return {
    async look(path, options) {
      const key = resolve(path);
      const { size, mtimeMs } = await stat(path).catch((error: unknown) => {
        throw readFailure(path, error);
      });
      const known = rows.get(key);
      if (known !== undefined && known[0] === size && known[1] === mtimeMs) {
        const [, , sha256, width, height, text] = known;
        if (text !== null || !options?.fingerprint) {
          const fingerprint = text ? Int8Array.from(Buffer.from(text, "base64")) : undefined;
          return { sha256, width, height, fingerprint };
        }
      }
      const fresh = await lookAt(path, options);
      if ("failure" in fresh) return fresh;
      const { fingerprint } = fresh;
      const text = options?.fingerprint ? Buffer.from(fingerprint ?? []).toString("base64") : null;
      rows.set(key, [size, mtimeMs, fresh.sha256, fresh.width, fresh.height, text]);
      news = true;
      return fresh;
    },
    async save() {
      if (!news) return;
      // In one order, whichever look was done first.
      const images = Object.fromEntries([...rows].sort(([a], [b]) => (a < b ? -1 : 1)));
      await writeFileAtomic(file, JSON.stringify({ version: SEEN, images }));
      news = false;
    },
  };
}

async function readRows(file: string): Promise<Readonly<Record<string, Row>>> {
  const text = await readFile(file, "utf8").catch(() => "");
  try {
    return seen.parse(JSON.parse(text)).images;
  } catch {
    return {};
  }
}
