/**
 * @file The part of a file that has come so far. One process writes a part: it bears the machine, the process and a
 * random number in its name, and is taken over by renaming, which only one can do. Python's huggingface_hub guards its
 * parts by flock, which Node does not have; its finished files are safe since both rename them into place.
 */
import { createHash, randomBytes } from "node:crypto";
import { copyFile, open, readdir, rename, rm, stat, utimes } from "node:fs/promises";
import { hostname } from "node:os";
import { basename, dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { errorCode } from "../../../imaging/node/file-error.js";

const SUFFIX = ".incomplete";
const HOST = createHash("sha256").update(hostname()).digest("hex").slice(0, 8);

/** A writer gives up on a silent server long before: a part that has not grown for as long belongs to nobody. */
const ABANDONED_MS = 120_000;
const POLL_MS = 250;

/** Marks a part as nobody's. */
const RELEASED = new Date(0);

/**
 * A part for `blob` that this call alone writes: one that was begun earlier, or an empty one. Waits while another
 * process is at it. Undefined when that has finished the blob.
 *
 * @param fresh begin anew, whatever there is
 */
export async function claimPart(
  blob: string,
  fresh: boolean,
  signal: AbortSignal | undefined,
): Promise<string | undefined> {
  const own = `${blob}.${HOST}-${process.pid}-${randomBytes(4).toString("hex")}${SUFFIX}`;
  while (!fresh) {
    if ((await stat(blob).catch(() => undefined)) !== undefined) return undefined;
    const parts = await partsOf(blob);
    const [free] = parts.filter((part) => part.abandoned).sort((a, b) => b.size - a.size);
    if (free !== undefined) {
      if (await taken(free.path, own)) return own;
      continue;
    }
    const [foreign] = parts.filter((part) => part.path === `${blob}${SUFFIX}`);
    if (foreign !== undefined) {
      // Python may be writing it: what is there now is copied, and the file left alone.
      if (await copied(foreign.path, own)) return own;
      continue;
    }
    if (parts.length === 0) break;
    await sleep(POLL_MS, undefined, signal && { signal }).catch(() => signal?.throwIfAborted());
  }
  await (await open(own, "wx")).close();
  return own;
}

/** Leaves a part for whoever asks for the file next, Python's older versions included. */
export async function releasePart(part: string, blob: string): Promise<void> {
  if ((await stat(part)).size === 0) return rm(part, { force: true });
  await utimes(part, RELEASED, RELEASED);
  await rename(part, `${blob}${SUFFIX}`);
}

interface FoundPart {
  readonly path: string;
  readonly size: number;
  readonly abandoned: boolean;
}

async function partsOf(blob: string): Promise<readonly FoundPart[]> {
  const folder = dirname(blob);
  const prefix = basename(blob);
  const found: FoundPart[] = [];
  for (const name of await readdir(folder)) {
    if (!name.startsWith(prefix) || !name.endsWith(SUFFIX)) continue;
    const middle = name.slice(prefix.length, -SUFFIX.length);
    const [, host, pid] = /^\.([0-9a-f]{8})-(\d+)-[0-9a-f]{8}$/.exec(middle) ?? [];
    if (middle !== "" && host === undefined) continue;
    const path = join(folder, name);
    const stats = await stat(path).catch(() => undefined);
    if (stats === undefined) continue;
    const ended = host === HOST && !isRunning(Number(pid));
    found.push({ path, size: stats.size, abandoned: ended || Date.now() - stats.mtimeMs > ABANDONED_MS });
  }
  return found;
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return errorCode(error) !== "ESRCH";
  }
}

/** False where another process was first. */
const taken = (from: string, to: string): Promise<boolean> => unlessGone(rename(from, to));
const copied = (from: string, to: string): Promise<boolean> => unlessGone(copyFile(from, to));

async function unlessGone(done: Promise<void>): Promise<boolean> {
  try {
    await done;
    return true;
  } catch (error) {
    if (errorCode(error) === "ENOENT") return false;
    throw error;
  }
}
