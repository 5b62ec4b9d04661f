/** @file Opens a checkpoint from disk: a folder, or a file of weights whose architecture is named or recognised. */
import { readFile, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { VitreousError } from "../../onnx/errors.js";
import type { Spec } from "../../spec.js";
import type { Inferred } from "../architecture.js";
import { FEATURE_ORDERS, type LinearHead, readHead } from "../head.js";
import {
  type BuiltModel,
  buildModel,
  type PlanOptions,
  type Recognised,
  readConfig,
  recognise,
  type StoredTensors,
} from "../index.js";
import { openTensors } from "./tensors.js";

/** The file of a folder that says what its model is. */
export const CONFIG = "config.json";

async function isFile(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isFile() ?? false;
}

/** @throws VitreousError for a file that is no JSON */
export async function readJson(path: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(path, "utf8"));
  } catch (error) {
    throw new VitreousError(`${path} is no JSON: ${error instanceof Error ? error.message : String(error)}.`);
  }
}

export interface CheckpointOptions extends PlanOptions {
  /**
   * A file that holds a linear classifier, in the place of the checkpoint's own or where it has none; followed by
   * ":order=interleaved" or ":order=concatenated" where it takes the class token and the mean of the patches and does not
   * say how they lie.
   */
  readonly head?: string | undefined;
  /** For tensors without a config.json beside them. */
  readonly arch?: Spec | undefined;
}

export interface OpenedCheckpoint extends BuiltModel {
  readonly inferred: readonly Inferred[];
  /** The files that hold the weights. */
  readonly files: readonly string[];
}

export interface DescribedCheckpoint extends Recognised {
  /** Read when they are wanted: the files stay open until `close`. */
  readonly tensors: StoredTensors;
  readonly files: readonly string[];
  readonly notes: readonly string[];
  readonly close: () => Promise<void>;
}

/**
 * What a checkpoint is and the tensors it has, with no graph made of them yet.
 *
 * @param path a folder with a config.json and weights, or a file of weights
 * @param arch for tensors without a config.json beside them
 * @throws VitreousError when a file is missing or damaged, or for the reasons of `recognise`
 */
export async function describeCheckpoint(path: string, arch?: Spec): Promise<DescribedCheckpoint> {
  const opened = await openTensors(path);
  try {
    return { ...opened, ...(await describe(path, opened.tensors, arch)) };
  } catch (error) {
    await opened.close();
    throw error;
  }
}

/**
 * The model of a checkpoint.
 *
 * @param path a folder with a config.json and weights, or a file of weights
 * @throws VitreousError when a file is missing or damaged, or for the reasons of `buildModel` and `recognise`
 */
export async function openCheckpoint(
  path: string,
  options: CheckpointOptions = {},
): Promise<OpenedCheckpoint> {
  const checkpoint = await describeCheckpoint(path, options.arch);
  const { description, inferred, tensors, files, notes, close } = checkpoint;
  try {
    const { head, ...plain } = options;
    const built = async (given?: LinearHead): Promise<BuiltModel> => {
      const model = await buildModel(description, tensors, { ...plain, head: given });
      return { ...model, notes: [...notes, ...model.notes] };
    };
    if (head === undefined) return { ...(await built()), inferred, files };
    return await withHeadFile(head, async (given, added) => ({
      ...(await built(given)),
      inferred,
      files: [...files, ...added],
    }));
  } finally {
    await close();
  }
}

/** Opens a classifier's file for as long as `use` takes. */
async function withHeadFile<T>(
  text: string,
  use: (head: LinearHead, files: readonly string[]) => Promise<T>,
): Promise<T> {
  const order = FEATURE_ORDERS.find((o) => text.endsWith(`:order=${o}`));
  const path = order === undefined ? text : text.slice(0, -`:order=${order}`.length);
  const { tensors, files, close } = await openTensors(path);
  try {
    return await use(readHead(tensors, path, order), files);
  } finally {
    await close();
  }
}

/** From the config.json beside the weights, unless the user names the architecture. */
async function describe(path: string, tensors: StoredTensors, arch: Spec | undefined): Promise<Recognised> {
  const folder = (await stat(path)).isDirectory() ? path : dirname(path);
  const config = join(folder, CONFIG);
  if (arch === undefined && (await isFile(config))) {
    return { description: readConfig(await readJson(config), config), inferred: [] };
  }
  try {
    return recognise(tensors, arch);
  } catch (error) {
    if (!(error instanceof VitreousError)) throw error;
    throw new VitreousError(`${path}: ${error.message}`, { cause: error });
  }
}
