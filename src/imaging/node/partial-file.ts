/**
 * @file A file that may be larger than memory: it grows beside its place and takes its name only when it is whole, so
 * that an interrupted or failed run leaves no half file.
 */
import { rmSync } from "node:fs";
import { type FileHandle, open, rename, rm } from "node:fs/promises";
import { writeFailure } from "./atomic.js";

export interface PartialFile {
  write(content: string | Uint8Array): Promise<void>;
  /** Gives the file its name. */
  finish(): Promise<void>;
  /** Removes what was written. Does nothing after finish. */
  discard(): Promise<void>;
}

/** Files under way. A second Ctrl-C ends the process at once, and these must not stay behind. */
const underWay = new Set<string>();
process.on("exit", () => {
  for (const path of underWay) rmSync(path, { force: true });
});

export async function partialFile(path: string): Promise<PartialFile> {
  const beside = `${path}.${process.pid}.part`;
  let handle: FileHandle | undefined;
  const discard = async (): Promise<void> => {
    if (!underWay.has(beside)) return;
    await handle?.close().catch(() => undefined);
    await rm(beside, { force: true }).catch(() => undefined);
    underWay.delete(beside);
  };
  const guarded = async (work: () => Promise<unknown>): Promise<void> => {
    try {
      await work();
    } catch (error) {
      await discard();
      throw writeFailure(path, error);
    }
  };
  underWay.add(beside);
  await guarded(async () => {
    handle = await open(beside, "w");
  });
  return {
    write: (content) => guarded(async () => handle?.writeFile(content)),
    finish: () =>
      guarded(async () => {
        await handle?.sync();
        await handle?.close();
        await rename(beside, path);
        underWay.delete(beside);
      }),
    discard,
  };
}

export interface RecordFile {
  add(record: unknown): Promise<void>;
  /** Ends the array and writes the fields behind it. */
  finish(after: Readonly<Record<string, unknown>>): Promise<void>;
  discard(): Promise<void>;
}

/** A JSON file `{ ...before, [array]: [records…], ...after }`, a record a line. */
export async function recordFile(
  path: string,
  before: Readonly<Record<string, unknown>>,
  array: string,
): Promise<RecordFile> {
  const file = await partialFile(path);
  const fields = Object.entries(before).map(
    ([k, v]) => `  ${JSON.stringify(k)}: ${JSON.stringify(v ?? null)},\n`,
  );
  await file.write(`{\n${fields.join("")}  ${JSON.stringify(array)}: [`);
  let count = 0;
  return {
    add: (record) => file.write(`${count++ === 0 ? "\n" : ",\n"}    ${JSON.stringify(record)}`),
    async finish(after) {
      const ending = Object.entries(after).map(
        ([k, v]) => `,\n  ${JSON.stringify(k)}: ${JSON.stringify(v ?? null)}`,
      );
      await file.write(`\n  ]${ending.join("")}\n}\n`);
      await file.finish();
    },
    discard: file.discard,
  };
}
