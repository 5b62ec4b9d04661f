/**
 * @file Opens a checkpoint's folder from disk: config.json beside model.safetensors.
 */
import { type FileHandle, open, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { VitreousError } from "../../onnx/errors.js";
import type { Model } from "../../onnx/graph.js";
import { buildModel, readConfig, readSafetensors } from "../index.js";

const CONFIG = "config.json";
const WEIGHTS = "model.safetensors";

/** One read call takes at most 2 GiB. */
const CHUNK = 2 ** 30;

async function readBytes(path: string): Promise<Uint8Array> {
  const file: FileHandle = await open(path, "r");
  try {
    const { size } = await file.stat();
    const bytes = new Uint8Array(size);
    for (let at = 0; at < size; ) {
      const { bytesRead } = await file.read(bytes, at, Math.min(CHUNK, size - at), at);
      if (bytesRead === 0) throw new VitreousError(`${path} became shorter while it was read.`);
      at += bytesRead;
    }
    return bytes;
  } finally {
    await file.close();
  }
}

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

/**
 * The model of a checkpoint folder.
 *
 * @param folder holds config.json (timm's hub layout) and model.safetensors
 * @throws VitreousError when a file is missing or damaged, or for the reasons of `buildModel`
 */
export async function openCheckpoint(folder: string): Promise<Model> {
  const [config, weights] = [join(folder, CONFIG), join(folder, WEIGHTS)];
  for (const path of [config, weights]) {
    if (!(await isFile(path))) {
      throw new VitreousError(
        `${folder} holds no checkpoint: ${path} does not exist. A checkpoint folder has ${CONFIG} and ${WEIGHTS}.`,
      );
    }
  }
  const description = readConfig(await readJson(config), config);
  return buildModel(description, readSafetensors(await readBytes(weights), weights).tensors);
}
