/** @file Which of a repository's files a model is made of: its configuration, and its weights in one format. */
import { readFile } from "node:fs/promises";
import { basename, posix } from "node:path";
import { z } from "zod";
import { VitreousError } from "../../../onnx/errors.js";
import { decodeModel } from "../../../onnx/proto/decode.js";
import { externalLocations } from "../../../onnx/reading/external.js";

export interface Choice {
  /** Paths in the repository. */
  readonly files: readonly string[];
  /** The model, where it is an .onnx file. */
  readonly onnx: string | undefined;
}

export interface Choosable {
  /** For messages. */
  readonly name: string;
  /** Names of the files in one folder ("" is the root) as paths in the repository. */
  names(folder: string): Promise<ReadonlySet<string>>;
  /** Where a file's content lies on disk; it is fetched if need be. */
  local(path: string): Promise<string>;
}

const SETTINGS = ["config.json", "processor_config.json", "preprocessor_config.json"];
const ONNX_FOLDER = "onnx";

/** In the order in which they are preferred: what runs no code to be read comes first. */
const WEIGHTS = ["model.safetensors", "pytorch_model.bin"];

const weightMap = z.object({ weight_map: z.record(z.string(), z.string()) });

/** Undefined where there are neither weights nor a graph. */
export async function chooseFiles(from: Choosable): Promise<Choice | undefined> {
  const root = await from.names("");
  const settings = SETTINGS.filter((name) => root.has(name));
  for (const name of WEIGHTS) {
    if (root.has(name)) return { files: [...settings, name], onnx: undefined };
    const index = `${name}.index.json`;
    if (root.has(index)) {
      return { files: [...settings, index, ...(await shards(index, root, from))], onnx: undefined };
    }
  }
  for (const folder of ["", ONNX_FOLDER]) {
    const path = posix.join(folder, "model.onnx");
    const names = await from.names(folder);
    if (names.has(path)) {
      return { files: [...settings, path, ...(await externalData(path, names, from))], onnx: path };
    }
  }
  return undefined;
}

async function shards(index: string, root: ReadonlySet<string>, from: Choosable): Promise<readonly string[]> {
  const path = await from.local(index);
  const text = await readFile(path, "utf8");
  let names: readonly string[];
  try {
    names = [...new Set(Object.values(weightMap.parse(JSON.parse(text)).weight_map))];
  } catch (error) {
    throw new VitreousError(
      `${from.name}: ${index} is no index of weights: it has no weight_map of file names`,
      { cause: error },
    );
  }
  return present(names, index, root, from.name);
}

async function externalData(
  path: string,
  names: ReadonlySet<string>,
  from: Choosable,
): Promise<readonly string[]> {
  const bytes = await readFile(await from.local(path));
  try {
    const locations = externalLocations(decodeModel(bytes));
    const paths = locations.map((location) => posix.join(posix.dirname(path), location));
    return present(paths, path, names, from.name);
  } catch (error) {
    if (!(error instanceof VitreousError) || error.message.startsWith(from.name)) throw error;
    throw new VitreousError(`${from.name}: ${path}: ${error.message}`, { cause: error });
  }
}

/** Nothing but what the repository lists beside the file: a name in a file of strangers opens no other path. */
function present(
  paths: readonly string[],
  by: string,
  names: ReadonlySet<string>,
  model: string,
): readonly string[] {
  const missing = paths.filter((path) => !names.has(path));
  if (missing.length === 0) return paths;
  const shown = missing.slice(0, 3).map((path) => basename(path.slice(0, 200)));
  throw new VitreousError(`${model}: ${by} needs ${shown.join(", ")}, which is not beside it`);
}
