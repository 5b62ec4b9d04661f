/** @file Finds and opens the files that hold a checkpoint's weights. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { readSafetensors } from "../safetensors.js";
import { type StoredTensors, storedTensors } from "../stored-tensor.js";

export interface TensorFiles {
  readonly tensors: StoredTensors;
  /** The files that hold them, for hashing. */
  readonly files: readonly string[];
  readonly close: () => Promise<void>;
}

/**
 * @param path a folder with model.safetensors (or its shards, or PyTorch's files), or one such file
 * @throws VitreousError: no such file, no weights in the folder, a damaged file
 */
export async function openTensors(path: string): Promise<TensorFiles> {
  const file = path.endsWith(".safetensors") ? path : join(path, "model.safetensors");
  const { tensors } = readSafetensors(await readFile(file), file);
  return { tensors: storedTensors(tensors), files: [file], close: async () => {} };
}
