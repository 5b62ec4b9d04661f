/**
 * @file A look at a picture's file, which is read once: its sides, and the hash that knows its twins. What was seen is
 * kept in a file of the caller's and holds until a picture's length or time changes, so that thousands need not be read
 * again whenever a long work goes on.
 */
import { createHash } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import { resolve } from "node:path";
import { z } from "zod";
import { writeFileAtomic } from "../imaging/node/atomic.js";
import { headerOf } from "../imaging/node/decode.js";
import { readBytes, readFailure } from "../imaging/node/file-error.js";
import { VitreousError } from "../onnx/errors.js";

export type Look = { readonly sha256: string } & (
  | { readonly width: number; readonly height: number }
  /** Why it is no picture, in one sentence. */
  | { readonly failure: string }
);

/** @throws VitreousError for a file that cannot be read at all */
export type Looker = (path: string) => Promise<Look>;

const hashOfBytes = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

/** Of a file's bytes, hexadecimal; whether they are a picture is not looked at. */
export const hashOf = async (path: string): Promise<string> => hashOfBytes(await readBytes(path));

export const lookAt: Looker = async (path) => {
  const bytes = await readBytes(path);
  const sha256 = hashOfBytes(bytes);
  try {
    return { sha256, ...(await headerOf(bytes, path)) };
  } catch (error) {
    if (!(error instanceof VitreousError)) throw error;
    return { sha256, failure: error.message };
  }
};

const length = z.number().nonnegative();
const seen = z.object({
  version: z.literal(1),
  /** By path: length, time of change in milliseconds, hash, width, height. What is no picture is looked at again. */
  images: z.record(z.string(), z.tuple([length, z.number(), z.string(), length, length])),
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
    async look(path) {
      const key = resolve(path);
      const { size, mtimeMs } = await stat(path).catch((error: unknown) => {
        throw readFailure(path, error);
      });
      const known = rows.get(key);
      if (known !== undefined && known[0] === size && known[1] === mtimeMs) {
        const [, , sha256, width, height] = known;
        return { sha256, width, height };
      }
      const fresh = await lookAt(path);
      if ("failure" in fresh) return fresh;
      rows.set(key, [size, mtimeMs, fresh.sha256, fresh.width, fresh.height]);
      news = true;
      return fresh;
    },
    async save() {
      if (!news) return;
      await writeFileAtomic(file, JSON.stringify({ version: 1, images: Object.fromEntries(rows) }));
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
