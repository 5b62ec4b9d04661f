/**
 * @file Reads a model from disk: the .onnx file and the external data files beside it, hashed on the way.
 */
import { createHash, type Hash } from "node:crypto";
import type { Stats } from "node:fs";
import { open, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { VitreousError } from "../errors.js";
import type { Model } from "../graph.js";
import { decodeModel } from "../proto/decode.js";
import { modelFromProto } from "../read.js";
import { externalLocations } from "../reading/external.js";

export interface ModelFile {
  readonly model: Model;
  /**
   * SHA-256, in hexadecimal, of the .onnx file's bytes followed by those of its external data files (in the
   * order of their paths): everything that determines the model. Without external data, what sha256sum prints.
   */
  readonly sha256: string;
  /** The .onnx file as it is on disk. The model's constants are views into it: do not change it. */
  readonly bytes: Uint8Array;
}

/** One read call reads at most this much: the operating system and Node refuse more than 2 GiB. */
const CHUNK = 64 * 2 ** 20;

/** More than a written model could hold, which is what every model is made into before it runs. */
const MAX_BYTES = 2 ** 31 - 1;

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file. Check the path",
  ENOTDIR: "there is no such file. Check the path",
  EISDIR: "it is a directory. Name the .onnx file in it",
  EACCES: "permission to read it is denied. Change its permissions (chmod +r)",
  EPERM: "permission to read it is denied. Change its permissions (chmod +r)",
  EMFILE: "too many files are open. Close some, or raise the limit (ulimit -n)",
  ELOOP: "its symbolic links form a circle. Check the path",
};

function unreadable(path: string, error: unknown): VitreousError {
  const code = error instanceof Error && "code" in error ? String(error.code) : "unknown error";
  return new VitreousError(`Cannot read ${path}: ${REASONS[code] ?? `the system says ${code}`}.`);
}

/** Throws VitreousError unless it is a file of a size that can be read. */
function checkRegular(path: string, stats: Stats): void {
  if (stats.isDirectory()) throw new VitreousError(`Cannot read ${path}: ${REASONS.EISDIR}.`);
  if (!stats.isFile()) throw new VitreousError(`Cannot read ${path}: it is not a regular file.`);
  if (stats.size > MAX_BYTES) {
    throw new VitreousError(
      `Cannot read ${path}: it is larger than 2 GB, more than ONNX Runtime loads at once. Use a smaller model.`,
    );
  }
}

/** The whole file in one buffer; either all of it, or an error. */
async function readWhole(path: string, hash: Hash): Promise<Uint8Array> {
  const fail = (error: unknown): never => {
    throw unreadable(path, error);
  };
  // Looked at before it is opened: opening a named pipe would wait for ever.
  const stats = await stat(path).catch(fail);
  checkRegular(path, stats);
  const file = await open(path).catch(fail);
  try {
    const bytes = new Uint8Array(stats.size);
    for (let at = 0; at < bytes.length; ) {
      const { bytesRead } = await file.read(bytes, at, Math.min(CHUNK, bytes.length - at), at);
      if (bytesRead === 0)
        throw new VitreousError(`Cannot read ${path}: it changed while it was read. Try again.`);
      hash.update(bytes.subarray(at, at + bytesRead));
      at += bytesRead;
    }
    return bytes;
  } catch (error) {
    throw error instanceof VitreousError ? error : unreadable(path, error);
  } finally {
    await file.close();
  }
}

/**
 * Reads an .onnx file with its external data files. Throws VitreousError, naming the file, where it cannot be
 * read or is not a usable model.
 */
export async function readModelFile(path: string): Promise<ModelFile> {
  const hash = createHash("sha256");
  const bytes = await readWhole(path, hash);
  try {
    const proto = decodeModel(bytes);
    const files = new Map<string, Uint8Array>();
    for (const location of externalLocations(proto).sort()) {
      files.set(location, await readExternalFile(path, location, hash));
    }
    const external = (location: string, offset: number, length: number | undefined): Uint8Array =>
      (files.get(location) ?? new Uint8Array(0)).subarray(
        offset,
        length === undefined ? undefined : offset + length,
      );
    return { model: modelFromProto(proto, { external }), sha256: hash.digest("hex"), bytes };
  } catch (error) {
    throw error instanceof VitreousError ? new VitreousError(`${path}: ${error.message}`) : error;
  }
}

async function readExternalFile(modelPath: string, location: string, hash: Hash): Promise<Uint8Array> {
  const path = join(dirname(modelPath), location);
  try {
    return await readWhole(path, hash);
  } catch (error) {
    if (!(error instanceof VitreousError)) throw error;
    throw new VitreousError(`Its weights are kept in another file. ${error.message}`);
  }
}
