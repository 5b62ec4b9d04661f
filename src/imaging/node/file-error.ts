/**
 * @file Node's file errors in words. Every reader of user's files here says the same thing about the same trouble.
 */
import { readFile } from "node:fs/promises";
import { VitreousError } from "../../onnx/errors.js";

/** "ENOENT", "EACCES", …, or undefined when it is no error of the operating system. */
export function errorCode(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;
}

/** Why `path` could not be read, as one sentence. */
export function readFailure(path: string, error: unknown): VitreousError {
  const sentence = (() => {
    switch (errorCode(error)) {
      case "ENOENT":
        return `${path} does not exist.`;
      case "ENOTDIR":
        return `${path} does not exist: a part of its path is a file.`;
      case "EISDIR":
        return `${path} is a folder, and a file was expected.`;
      case "EACCES":
      case "EPERM":
        return `${path} may not be read: permission is denied.`;
      case "ERR_FS_FILE_TOO_LARGE":
        return `${path} is larger than 2 GB.`;
      default:
        return `${path} could not be read: ${error instanceof Error ? error.message : String(error)}.`;
    }
  })();
  return new VitreousError(sentence, { cause: error });
}

/** The bytes of a file. @throws VitreousError in one sentence. */
export async function readBytes(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (error) {
    throw readFailure(path, error);
  }
}
