/**
 * @file The built command line, for tests that run it as its user does. `npm test` has built it already; a test that is
 * run alone builds it here when a source is newer, one test file at a time.
 */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

export const REPOSITORY = fileURLToPath(new URL("../..", import.meta.url));
export const MAIN = join(REPOSITORY, "dist", "cli", "main.js");

const changed = (path: string): number => statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;

function stale(): boolean {
  const built = changed(MAIN);
  const sources = readdirSync(join(REPOSITORY, "src"), { recursive: true, encoding: "utf8" });
  return sources
    .filter((name) => /\.[jt]s$/.test(name) && !/\.test\.ts$/.test(name))
    .some((name) => changed(join(REPOSITORY, "src", name)) > built);
}

/** A lock that is older was left by a run that was killed. */
const LONGEST_BUILD_MS = 300_000;

export async function ensureBuilt(): Promise<void> {
  if (!stale()) return;
  const name = createHash("sha256").update(REPOSITORY).digest("hex").slice(0, 12);
  const lock = join(tmpdir(), `vitreous-build-${name}.lock`);
  for (;;) {
    try {
      mkdirSync(lock);
      break;
    } catch {
      if (Date.now() - changed(lock) > LONGEST_BUILD_MS) rmSync(lock, { recursive: true, force: true });
      await sleep(200);
    }
  }
  try {
    if (!stale()) return;
    const { status, stdout } = spawnSync("npm", ["run", "--silent", "build"], {
      cwd: REPOSITORY,
      encoding: "utf8",
      shell: process.platform === "win32",
    });
    if (status !== 0) throw new Error(`the build failed:\n${stdout}`);
  } finally {
    rmSync(lock, { recursive: true, force: true });
  }
}
