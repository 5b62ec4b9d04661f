/**
 * @file Who computes what: an empty file for each piece of work that is in hand, named by the work and the process.
 * Processes on one store need nothing else in common. Whoever sees another's file beside its own gives way and comes
 * back later; a file of a process that is gone is nothing. Should two processes do the same work all the same, they
 * write the same bytes.
 */
import { createHash, randomBytes } from "node:crypto";
import {
  existsSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { makeFolder, writeFailure } from "../../../imaging/node/atomic.js";

export interface Claims {
  /** Whether the work is this caller's now. */
  take(work: string): Promise<boolean>;
  release(work: string): void;
  /** Releases all. */
  close(): void;
}

/** A claim is renewed so often, and is nothing when it was not for so long: its process is on another machine and gone. */
const RENEW_MS = 10_000;
const STALE_MS = 90_000;

/** Where process numbers mean the same: the machine since it was started, and the container. */
function placeOfProcesses(): string {
  const parts = [hostname()];
  try {
    parts.push(readFileSync("/proc/sys/kernel/random/boot_id", "utf8"), readlinkSync("/proc/self/ns/pid"));
  } catch {
    // Only Linux tells; elsewhere a name is all there is.
  }
  return createHash("sha256").update(parts.join("\n")).digest("hex").slice(0, 12);
}

/** When a process was started, as the system counts: a number that a later process of the same id does not have. */
function startOf(pid: number): string {
  try {
    // The name before the last ")" may hold anything; the 20th field behind it is the start.
    return readFileSync(`/proc/${pid}/stat`, "utf8").split(")").at(-1)?.trim().split(" ")[19] ?? "0";
  } catch {
    return "0";
  }
}

function lives(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it lives, and is another user's.
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}

/** @param folder need not exist yet */
export function openClaims(folder: string): Claims {
  const place = placeOfProcesses();
  const own = `${place}-${process.pid}-${startOf(process.pid)}-${randomBytes(4).toString("hex")}`;
  const held = new Set<string>();
  const fileOf = (work: string): string => join(folder, `${work}.${own}`);

  const isAlive = (name: string): boolean => {
    const [where, pid = "", start] = (name.split(".")[1] ?? "").split("-");
    if (where === place && !(lives(Number(pid)) && startOf(Number(pid)) === start)) return false;
    const changed = statSync(join(folder, name), { throwIfNoEntry: false })?.mtimeMs;
    return changed !== undefined && Date.now() - changed < STALE_MS;
  };

  /** Whether another process has it in hand. */
  const othersHave = (work: string): boolean => {
    const mine = `${work}.${own}`;
    return anyAlive((name) => name.startsWith(`${work}.`) && name !== mine);
  };

  /** What the dead have left is removed. */
  const anyAlive = (wanted: (name: string) => boolean): boolean => {
    const others = readdirSync(folder).filter(wanted);
    const alive = others.filter(isAlive);
    for (const name of others) if (!alive.includes(name)) rmSync(join(folder, name), { force: true });
    return alive.length > 0;
  };

  const release = (work: string): void => {
    held.delete(work);
    rmSync(fileOf(work), { force: true });
  };

  const renewal = setInterval(() => {
    const now = new Date();
    for (const work of held) {
      try {
        utimesSync(fileOf(work), now, now);
      } catch {
        // It was removed by somebody who took this process for dead: then both do the work, to the same result.
      }
    }
  }, RENEW_MS);
  renewal.unref();

  return {
    async take(work) {
      await makeFolder(folder);
      if (held.has(work) || othersHave(work)) return false;
      try {
        writeFileSync(fileOf(work), "", { flag: "wx" });
      } catch (error) {
        throw writeFailure(fileOf(work), error);
      }
      held.add(work);
      // Two that see each other both give way; whoever looks after the other has gone gets it.
      if (!othersHave(work)) return true;
      release(work);
      return false;
    },
    release,
    close() {
      clearInterval(renewal);
      for (const work of [...held]) release(work);
      // A process that was killed behind its last unit has left a claim that nobody looks at again.
      if (existsSync(folder)) anyAlive(() => true);
    },
  };
}
