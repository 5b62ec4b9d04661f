/** @file Whether a file holds what the hub says it does: by its length, then by its hash. */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { readFailure } from "../../../imaging/node/file-error.js";

/** SHA-256 of a file, or git's SHA-1 of it as a blob, whichever has as many digits as `like`. */
async function hashLike(path: string, like: string): Promise<string> {
  const git = like.length === 40;
  const hash = createHash(git ? "sha1" : "sha256");
  if (git) hash.update(`blob ${(await stat(path)).size}\0`);
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(chunk);
  return hash.digest("hex");
}

/** Undefined where there is no such file. @throws VitreousError where it cannot be read */
export async function holds(
  path: string,
  { size, hash }: { readonly size?: number; readonly hash: string },
): Promise<boolean | undefined> {
  const found = await stat(path).catch(() => undefined);
  if (found === undefined) return undefined;
  if (!found.isFile() || (size !== undefined && found.size !== size)) return false;
  try {
    return (await hashLike(path, hash)) === hash;
  } catch (error) {
    throw readFailure(path, error);
  }
}
