/** @file Finds and opens the files that hold a checkpoint's weights. */
import { readdir, readFile, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { VitreousError } from "../../onnx/errors.js";
import { type ReadTensors, readTensors } from "../read-tensors.js";
import { joinShards, readIndex } from "../shards.js";
import type { StoredTensors } from "../stored-tensor.js";
import { unwrap } from "../wrappings.js";
import { type OpenFiles, openFiles } from "./file-source.js";

/** In a folder, the first of these that is there. */
const USUAL = [
  "model.safetensors",
  "model.safetensors.index.json",
  "pytorch_model.bin",
  "pytorch_model.bin.index.json",
];

const INDEX = ".index.json";

/** Files that may hold weights by another name. */
const WEIGHTS = /\.(safetensors|pth|pt|bin|ckpt|pth\.tar|tar)$/i;

/** Weights of other libraries, which a message names. */
const FOREIGN = /\.(h5|msgpack|gguf|keras|npz|pb|tflite|ot|mlmodel)$/i;

/** A hundred times the index of the largest models there are. */
const MAX_INDEX_BYTES = 64 * 2 ** 20;

/** Files listed in a message. */
const LISTED = 20;

export interface TensorFiles {
  /** By the names that their library gives them. */
  readonly tensors: StoredTensors;
  /** The files that hold them, for hashing. */
  readonly files: readonly string[];
  /** What was chosen or left out on the way; a sentence each. */
  readonly notes: readonly string[];
  readonly close: () => Promise<void>;
}

/**
 * A checkpoint's tensors with training's wrappers undone. The files stay open until `close`.
 *
 * @param path a file of weights or an index of several, or a folder with one
 * @throws VitreousError: no such file, no weights in the folder or several, a damaged file, one that is no checkpoint
 */
export async function openTensors(path: string): Promise<TensorFiles> {
  const file = await findFile(path);
  const files = openFiles();
  try {
    const opened = file.endsWith(INDEX) ? await openShards(file, files) : await openOne(file, files);
    const { tensors, notes } = unwrap(opened.tensors);
    return { tensors, files: opened.files, notes: [...opened.notes, ...notes], close: files.close };
  } catch (error) {
    await files.close();
    throw error;
  }
}

type Opened = ReadTensors & { readonly files: readonly string[] };

async function openOne(file: string, files: OpenFiles): Promise<Opened> {
  return { ...(await readTensors(await files.open(file))), files: [file] };
}

async function openShards(index: string, files: OpenFiles): Promise<Opened> {
  const shards = readIndex(await readIndexFile(index), index);
  const opened = new Map<string, StoredTensors>();
  const paths: string[] = [];
  const notes: string[] = [];
  for (const name of shards.keys()) {
    const path = join(dirname(index), name);
    const shard = await readTensors(await files.open(path));
    opened.set(name, shard.tensors);
    paths.push(path);
    notes.push(...shard.notes);
  }
  return { tensors: joinShards(shards, opened, index), files: paths, notes };
}

async function readIndexFile(path: string): Promise<unknown> {
  const { size } = await stat(path);
  if (size > MAX_INDEX_BYTES) throw new VitreousError(`${path} has ${size} bytes, too many for an index.`);
  try {
    return JSON.parse(await readFile(path, "utf8"));
  } catch (error) {
    throw new VitreousError(`${path} is no JSON: ${error instanceof Error ? error.message : String(error)}.`);
  }
}

async function findFile(path: string): Promise<string> {
  const stats = await stat(path).catch(() => undefined);
  if (!stats) throw new VitreousError(`${path} does not exist.`);
  if (!stats.isDirectory()) return path;
  const names = (await readdir(path)).sort();
  const usual = USUAL.find((name) => names.includes(name));
  if (usual !== undefined) return join(path, usual);
  const weights = names.filter((name) => WEIGHTS.test(name));
  const [only] = weights;
  if (only !== undefined && weights.length === 1) return join(path, only);
  if (only !== undefined) {
    throw new VitreousError(
      `${path} has several files of weights and none is called ${USUAL[0]}: ${listed(weights)}. Name the one you mean.`,
    );
  }
  const foreign = names.filter((name) => FOREIGN.test(name));
  const what = foreign.length > 0 ? ` (${listed(foreign)} is of a library that is not read)` : "";
  throw new VitreousError(
    `${path} has no weights${what}: ${USUAL[0]} or a .pth, .pt or .bin file is expected, and it has ${names.length > 0 ? listed(names) : "nothing"}.`,
  );
}

function listed(names: readonly string[]): string {
  return `${names.slice(0, LISTED).join(", ")}${names.length > LISTED ? `, and ${names.length - LISTED} more` : ""}`;
}
