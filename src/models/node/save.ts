/** @file Puts a model into a folder in the layout of its library; each file is written whole or not at all. */
import { join } from "node:path";
import { makeFolder, writeFileAtomic } from "../../imaging/node/atomic.js";
import { type SavedTrainable, trainedFiles } from "../trainable.js";

/**
 * Writes config.json, model.safetensors and, for transformers, preprocessor_config.json.
 *
 * @returns the paths of the files
 * @throws VitreousError before anything is written, where tensors, description and preparation do not fit each other; and
 *   where a file cannot be written
 */
export async function saveTrainable(folder: string, model: SavedTrainable): Promise<readonly string[]> {
  const files = trainedFiles(model);
  await makeFolder(folder);
  const paths: string[] = [];
  for (const [name, content] of files) {
    const path = join(folder, name);
    await writeFileAtomic(path, content);
    paths.push(path);
  }
  return paths;
}
