/** @file Small text files: a model's configuration, what the user gives beside it. */
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { readBytes } from "../../imaging/node/file-error.js";
import type { NamedText } from "../settings.js";

/** A byte order mark, as some editors leave it, is no part of the text. */
export async function readText(path: string): Promise<NamedText> {
  return { name: path, text: new TextDecoder().decode(await readBytes(path)) };
}

/** processor_config.json, preprocessor_config.json, then config.json, where they exist. */
export async function configurationIn(folder: string): Promise<readonly NamedText[]> {
  const found: NamedText[] = [];
  for (const name of ["processor_config.json", "preprocessor_config.json", "config.json"]) {
    const path = join(folder, name);
    if ((await stat(path).catch(() => undefined))?.isFile()) found.push(await readText(path));
  }
  return found;
}
