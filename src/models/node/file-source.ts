/** @file Files as byte sources: each is opened once, read where tensors lie, and closed with all the others. */
import { type FileHandle, open } from "node:fs/promises";
import { VitreousError } from "../../onnx/errors.js";
import { type ByteSource, endedEarly } from "../byte-source.js";

/** One call to the system reads less than 2 GiB. */
const CHUNK = 2 ** 30;

export interface OpenFiles {
  /** @throws VitreousError where it cannot be opened or is no file */
  readonly open: (path: string) => Promise<ByteSource>;
  readonly close: () => Promise<void>;
}

function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

async function fill(handle: FileHandle, path: string, offset: number, target: Uint8Array): Promise<void> {
  let done = 0;
  while (done < target.byteLength) {
    const length = Math.min(CHUNK, target.byteLength - done);
    const { bytesRead } = await handle.read(target, done, length, offset + done).catch((error: unknown) => {
      throw new VitreousError(`${path} cannot be read: ${reason(error)}.`, { cause: error });
    });
    if (bytesRead === 0) throw endedEarly(path, offset + done);
    done += bytesRead;
  }
}

/** Files that are held open together until all of them are closed. */
export function openFiles(): OpenFiles {
  const handles: FileHandle[] = [];
  return {
    open: async (path) => {
      let size: number;
      let handle: FileHandle;
      try {
        handle = await open(path);
        handles.push(handle);
        const stats = await handle.stat();
        if (!stats.isFile()) throw new VitreousError("it is no file");
        size = stats.size;
      } catch (error) {
        throw new VitreousError(`${path} cannot be opened: ${reason(error)}.`, { cause: error });
      }
      return { name: path, size, read: (offset, target) => fill(handle, path, offset, target) };
    },
    close: async () => {
      await Promise.all(handles.splice(0).map((handle) => handle.close()));
    },
  };
}
