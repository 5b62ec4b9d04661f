/** @file Writes any model that can be opened as an .onnx file that says how its images are prepared and what its classes are. */
import { stat } from "node:fs/promises";
import { basename, dirname } from "node:path";
import type { Anatomy } from "../../anatomy/anatomy.js";
import { makeFolder, writeFileAtomic } from "../../imaging/node/atomic.js";
import { LABELS_KEY, PREPROCESSING_KEY } from "../../models/index.js";
import { VitreousError } from "../../onnx/errors.js";
import { writeModel } from "../../onnx/write.js";
import type { Settings } from "../settings.js";
import { type OpenOptions, openParts } from "./open.js";

export interface Conversion {
  readonly file: string;
  /** Of the file. */
  readonly bytes: number;
  /** Of the standard operators. */
  readonly opset: number;
  readonly anatomy: Anatomy;
  readonly settings: Settings;
  readonly notes: readonly string[];
}

/**
 * Converts a model to `file`, which is written whole or not at all; its folder is made. Preprocessing and labels go
 * into the metadata, where `openModel` finds them.
 *
 * @throws VitreousError for what `openModel` refuses, for a model of more than the 2 GB that an ONNX file can hold,
 *   and where the file cannot be written or is the model itself
 */
export async function convertModel(
  path: string,
  file: string,
  options: OpenOptions = {},
): Promise<Conversion> {
  if (await sameFile(path, file))
    throw new VitreousError(`${file} is the model itself; give another file to write to`);
  const { parts, original } = await openParts(path, options);
  await parts.runtime.close();
  const { anatomy, settings, notes = [] } = parts;
  const metadata = new Map(original.metadata);
  const { labels, preprocessing } = settings;
  if (labels.some((label, i) => label !== String(i))) metadata.set(LABELS_KEY, JSON.stringify(labels));
  // Where it was read from, without the folders of this machine.
  const record = { ...preprocessing, source: basename(preprocessing.source) };
  metadata.set(PREPROCESSING_KEY, JSON.stringify(record));
  const pieces = writeModel({ ...original, metadata });
  await makeFolder(dirname(file));
  await writeFileAtomic(file, pieces);
  const bytes = pieces.reduce((sum, piece) => sum + piece.length, 0);
  return { file, bytes, opset: original.opsets.get("") ?? 0, anatomy, settings, notes };
}

async function sameFile(a: string, b: string): Promise<boolean> {
  const [one, two] = await Promise.all([a, b].map((path) => stat(path).catch(() => undefined)));
  if (two?.isDirectory()) throw new VitreousError(`${b} is a folder; name the .onnx file to write`);
  return one !== undefined && two !== undefined && one.ino === two.ino && one.dev === two.dev;
}
