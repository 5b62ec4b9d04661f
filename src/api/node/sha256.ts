/** @file Hashes that identify models and images in records. */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { pipeline } from "node:stream/promises";

/** SHA-256 of files one after the other, hexadecimal, streamed. */
export async function sha256Of(...paths: readonly string[]): Promise<string> {
  const hash = createHash("sha256");
  for (const path of paths) await pipeline(createReadStream(path), hash, { end: false });
  return hash.digest("hex");
}

export function sha256OfBytes(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
