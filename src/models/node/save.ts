/** @file Puts a model into a folder in the layout that transformers loads; each file is written whole or not at all. */
import { join } from "node:path";
import { makeFolder, writeFileAtomic } from "../../imaging/node/atomic.js";
import { huggingFaceFiles, type SavedModel } from "../hugging-face/save.js";

/**
 * Writes config.json, preprocessor_config.json and model.safetensors.
 *
 * @returns the paths of the files
 * @throws VitreousError as `huggingFaceFiles` does, before anything is written; and where a file cannot be written
 */
export async function saveHuggingFace(folder: string, model: SavedModel): Promise<readonly string[]> {
  const files = huggingFaceFiles(model);
  await makeFolder(folder);
  const paths: string[] = [];
  for (const [name, content] of files) {
    const path = join(folder, name);
    await writeFileAtomic(path, content);
    paths.push(path);
  }
  return paths;
}
