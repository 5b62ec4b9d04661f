/**
 * @file One run a folder: two that train into the same one would overwrite each other's state. The lock is a file that
 * names its process, so that one left by a process that was killed is known for what it is.
 */
import { randomBytes } from "node:crypto";
import { link, readFile, rename, rm, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { writeFailure } from "../../../imaging/node/atomic.js";
import { errorCode } from "../../../imaging/node/file-error.js";
import { VitreousError } from "../../../onnx/errors.js";

interface Holder {
  readonly pid: number;
  readonly host: string;
  /** When the process began, where the system says so: a number is given out again. */
  readonly began?: string;
}

/** Attempts against others that take over the same dead lock. */
const ATTEMPTS = 5;

/**
 * Locks a folder, which must exist, for this process.
 *
 * @returns what releases it
 * @throws VitreousError when another process holds it
 */
export async function lockFolder(folder: string): Promise<() => Promise<void>> {
  const path = join(folder, "lock");
  const began = await beganAt(process.pid);
  const own = JSON.stringify({ pid: process.pid, host: hostname(), ...(began && { began }) });
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    if (await created(path, own)) return () => rm(path, { force: true });
    const text = await readFile(path, "utf8").catch(() => undefined);
    if (text === undefined) continue;
    const holder = readHolder(text);
    if (holder === undefined || (await lives(holder))) throw held(folder, path, holder);
    await setAside(path, text);
  }
  throw held(folder, path, undefined);
}

/** Whether the lock is ours now. It appears with its content: nobody ever reads half of it. */
async function created(path: string, text: string): Promise<boolean> {
  const beside = `${path}.${randomBytes(6).toString("hex")}`;
  try {
    await writeFile(beside, text, { flag: "wx" });
    await link(beside, path);
    return true;
  } catch (error) {
    if (errorCode(error) === "EEXIST") return false;
    throw writeFailure(path, error);
  } finally {
    await rm(beside, { force: true }).catch(() => undefined);
  }
}

/** Moves a dead process's lock away; one that another process has made meanwhile is put back. */
async function setAside(path: string, dead: string): Promise<void> {
  const away = `${path}.${randomBytes(6).toString("hex")}`;
  try {
    await rename(path, away);
  } catch {
    return;
  }
  if ((await readFile(away, "utf8").catch(() => dead)) !== dead)
    await link(away, path).catch(() => undefined);
  await rm(away, { force: true });
}

function readHolder(text: string): Holder | undefined {
  try {
    const { pid, host, began } = JSON.parse(text) as Partial<Holder>;
    if (typeof pid !== "number" || typeof host !== "string") return undefined;
    return { pid, host, ...(began !== undefined && { began }) };
  } catch {
    return undefined;
  }
}

/** A process of another machine may live: this one cannot tell. */
async function lives({ pid, host, began }: Holder): Promise<boolean> {
  if (host !== hostname()) return true;
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (errorCode(error) === "ESRCH") return false;
  }
  const now = await beganAt(pid);
  return began === undefined || now === undefined || began === now;
}

/** Linux: clock ticks from boot to the process's start, and the boot. */
async function beganAt(pid: number): Promise<string | undefined> {
  const read = (path: string): Promise<string | undefined> => readFile(path, "utf8").catch(() => undefined);
  const [status, boot] = [await read(`/proc/${pid}/stat`), await read("/proc/sys/kernel/random/boot_id")];
  // The second field is the command's name in brackets, which may hold anything.
  const ticks = status?.slice(status.lastIndexOf(")") + 2).split(" ")[19];
  return ticks === undefined || boot === undefined ? undefined : `${boot.trim()} ${ticks}`;
}

function held(folder: string, path: string, holder: Holder | undefined): VitreousError {
  const who =
    holder === undefined
      ? "another process"
      : `process ${holder.pid}${holder.host === hostname() ? "" : ` on ${holder.host}`}`;
  return new VitreousError(
    `${folder} is in use by ${who}, which trains there; wait for it, or give another --out. If no such process runs any more, remove ${path}.`,
  );
}
