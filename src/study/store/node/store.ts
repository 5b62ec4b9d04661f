/**
 * @file Where units are kept: a file each, named by the hash of its key. It is there with all of its content or not at
 * all, and what is there is known to be whole by its checksum; so a run may be killed at any time, and several may write
 * at once.
 */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { makeFolder, writeFileAtomic } from "../../../imaging/node/atomic.js";
import { errorCode, readFailure } from "../../../imaging/node/file-error.js";
import type { UnitKey } from "../../types.js";
import { canonicalJson, decodeUnit, encodeUnit, type UnitResult } from "../unit.js";

/** What is at a unit's place. "damaged": a file that is not what was written, which counts as none. */
export type Found = UnitResult | "absent" | "damaged";

export interface Store {
  readonly folder: string;
  read(hash: string): Found;
  /** @throws VitreousError when it cannot be written; the store stays as it was. */
  write(key: UnitKey, result: UnitResult): Promise<void>;
}

/** The unit's name: SHA-256 of its key, hexadecimal. */
export function unitHash(key: UnitKey): string {
  return createHash("sha256").update(canonicalJson(key)).digest("hex");
}

const MAGIC = "vitreous-cell-1 ";
/** A line before the unit: the magic word, the SHA-256 of all that follows, blanks. */
const HEAD = 88;

const checksum = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");
const headOf = (bytes: Uint8Array): string => `${`${MAGIC}${checksum(bytes)}`.padEnd(HEAD - 1)}\n`;

/** @param folder need not exist yet */
export function openStore(folder: string): Store {
  const made = new Set<string>();
  const folderOf = (hash: string): string => join(folder, hash.slice(0, 2));
  const pathOf = (hash: string): string => join(folderOf(hash), `${hash.slice(2)}.cell`);
  return {
    folder,
    read(hash) {
      const path = pathOf(hash);
      let bytes: Uint8Array;
      try {
        bytes = readFileSync(path);
      } catch (error) {
        if (errorCode(error) === "ENOENT") return "absent";
        throw readFailure(path, error);
      }
      const body = bytes.subarray(HEAD);
      const head = new TextDecoder().decode(bytes.subarray(0, HEAD));
      return (head === headOf(body) ? decodeUnit(body) : undefined) ?? "damaged";
    },
    async write(key, result) {
      const hash = unitHash(key);
      const body = encodeUnit(key, result);
      if (!made.has(folderOf(hash))) await makeFolder(folderOf(hash));
      made.add(folderOf(hash));
      await writeFileAtomic(pathOf(hash), [new TextEncoder().encode(headOf(body)), body]);
    },
  };
}
