/**
 * @file Whether a model is what it was when it was opened last: by the bytes of all files that opening reads. What is said
 * of it then still holds, and a run that finds everything in its store opens no model at all.
 */
import { readdir, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { sha256Of, sha256OfBytes } from "../../api/node/sha256.js";
import type { StudyCheckpoint } from "../types.js";

/** null where the files cannot be told beforehand: on the hub, or an .onnx file, whose data may lie in others. */
export async function fingerprintOf(checkpoint: StudyCheckpoint): Promise<string | null> {
  const { path, head, preprocess, labels } = checkpoint;
  const found = await stat(path).catch(() => undefined);
  if (!found?.isDirectory()) return null;
  const names = (await readdir(path, { withFileTypes: true })).filter((entry) => !entry.isDirectory());
  const files = names.map(({ name }) => join(path, name)).sort();
  const given = [head?.replace(/:order=\w+$/, ""), preprocess, labels].filter((file) => file != null);
  const sums = [...files, ...given].map(async (file) => [basename(file), await sha256Of(file)]);
  return Promise.all(sums).then(
    (all) => sha256OfBytes(new TextEncoder().encode(JSON.stringify(all))),
    () => null,
  );
}
