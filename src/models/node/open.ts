/** @file Opens a checkpoint from disk: a folder, or a file of weights whose architecture is named or recognised. */
import { readFile, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { VitreousError } from "../../onnx/errors.js";
import type { Spec } from "../../spec.js";
import type { Inferred } from "../architecture.js";
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

const CONFIG = "config.json";

async function isFile(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isFile() ?? false;
}

async function readJson(path: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(path, "utf8"));
  } catch (error) {
    throw new VitreousError(`${path} is no JSON: ${error instanceof Error ? error.message : String(error)}.`);
  }
}

export interface CheckpointOptions extends PlanOptions {
  /** For tensors without a config.json beside them. */
  readonly arch?: Spec | undefined;
}

export interface OpenedCheckpoint extends BuiltModel {
  readonly inferred: readonly Inferred[];
  /** The files that hold the weights. */
  readonly files: readonly string[];
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
  const { tensors, files, close } = await openTensors(path);
  try {
    const { description, inferred } = await describe(path, tensors, options.arch);
    return { ...(await buildModel(description, tensors, options)), inferred, files };
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
