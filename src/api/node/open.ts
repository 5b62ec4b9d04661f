/** @file Opens a model from disk in Node: the file, what is said of it beside it, and a runtime for it. */
import { stat } from "node:fs/promises";
import { basename, dirname, extname, join } from "node:path";
import type { AnatomyHints } from "../../anatomy/hints.js";
import { readBytes } from "../../imaging/node/file-error.js";
import { openCheckpoint } from "../../models/node/open.js";
import { VitreousError } from "../../onnx/errors.js";
import type { Model } from "../../onnx/graph.js";
import { readModelFile } from "../../onnx/node/read-file.js";
import { type NodeRuntimeOptions, nodeRuntime } from "../../runtime/node/node-runtime.js";
import { understand } from "../graphs.js";
import { completeParts } from "../image-model.js";
import type { NamedText } from "../settings.js";
import { readSettings } from "../settings.js";
import { NodeModel } from "./node-model.js";
import { sha256Of } from "./sha256.js";

export interface OpenOptions {
  /** Where to compute; "cpu" by default. */
  readonly device?: NonNullable<NodeRuntimeOptions["device"]>;
  /** Threads; by default one for each physical core. */
  readonly threads?: number;
  /** File that says how images are prepared. */
  readonly preprocess?: string;
  /** File with class names. */
  readonly labels?: string;
  /** Height and width, for a model that takes any. */
  readonly imageSize?: readonly [number, number];
  /** Tensors named by hand where the anatomy cannot tell. */
  readonly hints?: AnatomyHints;
  /** For random baselines, tie orders and controls; default 0. */
  readonly seed?: number;
}

interface Source {
  readonly model: Model;
  readonly sha256: string;
  /** Folder in which configuration may lie. */
  readonly folder: string;
}

/**
 * Opens an .onnx file, or a folder with config.json and model.safetensors. Reads the anatomy; runs nothing yet.
 *
 * @throws VitreousError: no such file, no model, no image classifier, settings that do not fit it.
 */
export async function openModel(path: string, options: OpenOptions = {}): Promise<NodeModel> {
  const { device, threads, hints, imageSize } = options;
  const preprocess = options.preprocess === undefined ? undefined : await readText(options.preprocess);
  const labels = options.labels === undefined ? undefined : await readText(options.labels);
  const source = await readSource(path);
  const beside = await configurationIn(source.folder);
  const runtime = await nodeRuntime({ ...(device && { device }), ...(threads && { threads }) });
  try {
    const { anatomy, graphs, head } = await understand(source.model, runtime, {
      hints,
      image: imageSize,
    }).catch((error: unknown) => {
      throw named(error, path);
    });
    const { metadata } = source.model;
    const settings = readSettings({ preprocess, labels, beside, metadata }, anatomy);
    const facts = { name: path, sha256: source.sha256, labels: settings.labels, seed: options.seed ?? 0 };
    return new NodeModel(await completeParts({ anatomy, graphs, head, runtime, settings, facts }));
  } catch (error) {
    await runtime.close();
    throw error;
  }
}

/** What is wrong with a model's graph, with the name of its file. */
function named(error: unknown, path: string): unknown {
  if (!(error instanceof VitreousError) || error.message.includes(basename(path))) return error;
  return new VitreousError(`${path}: ${error.message}`, { cause: error });
}

async function readSource(path: string): Promise<Source> {
  if (path.startsWith("hf:")) {
    throw new VitreousError(
      `${path}: models of the Hugging Face hub are not read yet; download the folder and give its path`,
    );
  }
  const found = await stat(path).catch(() => undefined);
  if (found?.isDirectory()) return readFolder(path);
  const extension = extname(path).toLowerCase();
  if (found !== undefined && [".safetensors", ".pth", ".pt", ".bin", ".tar"].includes(extension)) {
    throw new VitreousError(
      `${path}: a bare checkpoint does not say what its architecture is; give the folder that holds config.json and model.safetensors, or an .onnx file`,
    );
  }
  const { model, sha256 } = await readModelFile(path);
  return { model, sha256, folder: dirname(path) };
}

/** A checkpoint folder, or one that holds exactly one .onnx file beside its configuration. */
async function readFolder(folder: string): Promise<Source> {
  const weights = join(folder, "model.safetensors");
  const onnx = join(folder, "model.onnx");
  const exists = async (file: string): Promise<boolean> =>
    (await stat(file).catch(() => undefined)) !== undefined;
  if (!(await exists(weights)) && (await exists(onnx))) return readSource(onnx);
  const { model } = await openCheckpoint(folder);
  return { model, sha256: await sha256Of(weights), folder };
}

async function configurationIn(folder: string): Promise<readonly NamedText[]> {
  const found: NamedText[] = [];
  for (const name of ["preprocessor_config.json", "config.json"]) {
    const path = join(folder, name);
    if ((await stat(path).catch(() => undefined))?.isFile()) found.push(await readText(path));
  }
  return found;
}

/** A byte order mark, as some editors leave it, is no part of the text. */
async function readText(path: string): Promise<NamedText> {
  return { name: path, text: new TextDecoder().decode(await readBytes(path)) };
}
