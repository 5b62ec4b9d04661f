/**
 * @file Files are written whole or not at all: beside their place first, flushed, then renamed. An interrupted run,
 * a full disk or two runs at once leave no half-written file behind.
 */
import { randomBytes } from "node:crypto";
import { type FileHandle, mkdir, open, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { VitreousError } from "../../onnx/errors.js";
import { errorCode } from "./file-error.js";

const REASONS: Readonly<Record<string, string>> = {
  ENOSPC: "the disk is full; free some space and run again",
  EDQUOT: "the disk quota is used up; free some space and run again",
  EACCES: "permission is denied; choose a folder that you may write to",
  EPERM: "permission is denied; choose a folder that you may write to",
  EROFS: "the file system is read-only; choose another folder",
  ENOENT: "the system does not let a folder be made there; choose another one",
  EISDIR: "a folder of that name is in the way",
  ENOTDIR: "a file is in the way where a folder should be",
  EEXIST: "a file is in the way where a folder should be",
  ENAMETOOLONG: "the name is too long",
  EMFILE: "too many files are open",
};

/** What went wrong with writing `path`, as one sentence that says what to do. */
export function writeFailure(path: string, error: unknown): VitreousError {
  const code = errorCode(error);
  const reason = REASONS[code ?? ""] ?? (error instanceof Error ? error.message : String(error));
  return new VitreousError(`${path} could not be written: ${reason}.`, { cause: error });
}

/**
 * Makes a folder and those above it; one clear error when it cannot be. Not by mkdir's own `recursive`, which tries
 * for ever where the parent exists and yet holds nothing new (/proc).
 */
export async function makeFolder(path: string): Promise<void> {
  try {
    await makeWithParents(resolve(path));
  } catch (error) {
    throw writeFailure(path, error);
  }
}

async function makeWithParents(path: string): Promise<void> {
  try {
    await mkdir(path);
  } catch (error) {
    if (errorCode(error) === "ENOENT" && dirname(path) !== path && !(await isFolder(dirname(path)))) {
      await makeWithParents(dirname(path));
      await mkdir(path).catch((again: unknown) => unlessFolder(path, again));
    } else await unlessFolder(path, error);
  }
}

const isFolder = async (path: string): Promise<boolean> =>
  (await stat(path).catch(() => undefined))?.isDirectory() ?? false;

/** Another run may have made it meanwhile. */
async function unlessFolder(path: string, error: unknown): Promise<void> {
  if (!(await isFolder(path))) throw error;
}

/**
 * Writes `path` so that it holds either its old content or all of `content` (an array's parts one after the other).
 * Its folder must exist.
 *
 * @throws VitreousError that says what to do: a full disk, no permission, a folder in the way.
 */
export async function writeFileAtomic(
  path: string,
  content: Uint8Array | string | readonly Uint8Array[],
): Promise<void> {
  const beside = join(
    dirname(path),
    `.${basename(path).slice(0, 200)}.${randomBytes(6).toString("hex")}.part`,
  );
  let file: FileHandle | undefined;
  try {
    file = await open(beside, "wx");
    if (typeof content === "string" || content instanceof Uint8Array) await file.writeFile(content);
    else for (const part of content) await file.writeFile(part);
    await file.sync();
    await file.close();
    file = undefined;
    await rename(beside, path);
  } catch (error) {
    await file?.close().catch(() => undefined);
    await rm(beside, { force: true }).catch(() => undefined);
    throw errorCode(error) === "ENOENT"
      ? new VitreousError(`${path} could not be written: its folder does not exist.`, { cause: error })
      : writeFailure(path, error);
  }
}
