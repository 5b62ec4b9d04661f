/**
 * @file Checkpoints in several files, with an index that says which tensor is in which: Hugging Face's
 * model.safetensors.index.json and pytorch_model.bin.index.json.
 */
import { z } from "zod";
import { VitreousError } from "../onnx/errors.js";
import { quoted } from "./byte-source.js";
import type { StoredTensor, StoredTensors } from "./stored-tensor.js";

/** Missing names told in full. */
const NAMED = 8;

const Index = z.object({ weight_map: z.record(z.string(), z.string()) });

/** File name → the tensors that are in it. */
export type Shards = ReadonlyMap<string, readonly string[]>;

/** Names of files in the index's own folder; nothing that leads elsewhere. */
function isPlainName(file: string): boolean {
  return /^[^/\\:\p{Cc}]{1,255}$/u.test(file) && file !== "." && file !== "..";
}

/**
 * @param json the parsed index
 * @param source what messages call it
 * @throws VitreousError where it is no index, or names a file outside of its folder
 */
export function readIndex(json: unknown, source: string): Shards {
  const index = Index.safeParse(json);
  if (!index.success) {
    throw new VitreousError(`${source} is no index of a checkpoint: it has no weight_map of names to files.`);
  }
  const shards = new Map<string, string[]>();
  for (const [name, file] of Object.entries(index.data.weight_map)) {
    if (!isPlainName(file)) {
      throw new VitreousError(
        `${source} says that tensor ${quoted(name)} is in ${quoted(file)}, which is no plain name of a file beside it.`,
      );
    }
    const names = shards.get(file);
    if (names) names.push(name);
    else shards.set(file, [name]);
  }
  if (shards.size === 0) throw new VitreousError(`${source} names no tensors.`);
  return shards;
}

/**
 * @param opened file name → its tensors, of every shard
 * @throws VitreousError where a tensor is not in the file that the index says, or is in two
 */
export function joinShards(
  shards: Shards,
  opened: ReadonlyMap<string, StoredTensors>,
  source: string,
): StoredTensors {
  const joined = new Map<string, StoredTensor>();
  const files = new Map<string, string>();
  for (const [file, names] of shards) {
    const tensors: StoredTensors = opened.get(file) ?? new Map();
    const missing = names.filter((name) => !tensors.has(name));
    if (missing.length > 0) {
      const shown = missing.slice(0, NAMED).map(quoted).join(", ");
      throw new VitreousError(
        `${source} says that ${file} has ${shown}${missing.length > NAMED ? ` and ${missing.length - NAMED} more` : ""}, which it has not. Download index and files again, from one version.`,
      );
    }
    for (const [name, tensor] of tensors) {
      const first = files.get(name);
      if (first !== undefined) {
        throw new VitreousError(`${source}: tensor ${quoted(name)} is both in ${first} and in ${file}.`);
      }
      files.set(name, file);
      joined.set(name, tensor);
    }
  }
  return joined;
}
