/** @file Where a model comes from on disk: an .onnx file, a checkpoint's folder or a bare file of weights. */
import { readdir, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { downloadModel, isHubName } from "../../models/node/hub.js";
import { openCheckpoint } from "../../models/node/open.js";
import { VitreousError } from "../../onnx/errors.js";
import type { Model } from "../../onnx/graph.js";
import { readModelFile } from "../../onnx/node/read-file.js";
import { parseSpec } from "../../spec.js";
import { inferredInWords } from "../inferred.js";
import { type NamedText, preparedSize } from "../settings.js";
import { sha256Of } from "./sha256.js";
import { configurationIn } from "./text.js";

export interface SourceOptions {
  /** Name of the architecture, for weights without a config.json: "vit_b_16", "vit_tiny_patch16_224:img_size=64". */
  readonly arch?: string | undefined;
  /** File with a linear classifier. */
  readonly head?: string | undefined;
  /** Height and width asked for. */
  readonly imageSize?: readonly [number, number] | undefined;
  /** What the user says of how images are prepared. */
  readonly preprocess?: NamedText | undefined;
  /** Ends a download. */
  readonly signal?: AbortSignal | undefined;
  /** Bytes of a download that have come, of how many, and the file they belong to. */
  readonly onProgress?: ((bytes: number, total: number, file: string) => void) | undefined;
}

export interface Source {
  readonly model: Model;
  readonly sha256: string;
  /** Configuration beside the model: preprocessor_config.json and config.json, in this order, where they exist. */
  readonly beside: readonly NamedText[];
  /** The image size that is yet to be settled: a checkpoint's is already. */
  readonly imageSize: readonly [number, number] | undefined;
  /** For a graph that leaves the image size open: the size that images are prepared in, where that is said. */
  readonly prepared?: readonly [number, number] | undefined;
  /** What the user should be told: values that were inferred, tensors left out. */
  readonly notes: readonly string[];
}

/** Weights that are no graph, by the ends of their names; what a file really is, its content says. */
const WEIGHTS = /\.(safetensors|pth|pt|bin|ckpt|tar|pkl|pickle|h5|keras|msgpack|gguf|npz)$/i;

/** @throws VitreousError: no such file, or none that holds a model */
export async function readSource(path: string, options: SourceOptions = {}): Promise<Source> {
  if (isHubName(path)) return readFromHub(path, options);
  const found = await stat(path).catch(() => undefined);
  if (found?.isDirectory()) {
    const onnx = await onnxIn(path);
    return onnx === undefined ? readCheckpoint(path, path, options) : readOnnx(onnx, options);
  }
  if (found !== undefined && (options.arch !== undefined || WEIGHTS.test(path))) {
    return readCheckpoint(path, dirname(path), options);
  }
  return readOnnx(path, options);
}

async function readFromHub(name: string, options: SourceOptions): Promise<Source> {
  const { folder, onnx, notes } = await downloadModel(name, options);
  const source =
    onnx === undefined
      ? await readCheckpoint(folder, folder, options)
      : await readOnnx(join(folder, onnx), options, folder);
  return { ...source, notes: [...notes, ...source.notes] };
}

/** The .onnx file of a folder that holds one and no weights beside it. */
async function onnxIn(folder: string): Promise<string | undefined> {
  const names = (await readdir(folder)).filter((name) => !name.startsWith("."));
  const graphs = names.filter((name) => name.toLowerCase().endsWith(".onnx"));
  if (names.some((name) => WEIGHTS.test(name) || name.endsWith(".index.json"))) return undefined;
  const graph = graphs.includes("model.onnx") ? "model.onnx" : graphs.length === 1 ? graphs[0] : undefined;
  return graph === undefined ? undefined : join(folder, graph);
}

async function readOnnx(
  path: string,
  { imageSize, head, preprocess }: SourceOptions,
  folder = dirname(path),
): Promise<Source> {
  if (head !== undefined)
    throw new VitreousError(
      `${path} is a graph, whose classifier cannot be given or replaced; --head is for checkpoints`,
    );
  const { model, sha256 } = await readModelFile(path);
  const beside = await configurationIn(folder);
  const prepared = preparedSize({ preprocess, beside });
  return { model, sha256, beside, imageSize, prepared, notes: [] };
}

async function readCheckpoint(
  path: string,
  folder: string,
  { arch, head, imageSize, preprocess }: SourceOptions,
): Promise<Source> {
  const beside = await configurationIn(folder);
  const { model, files, inferred, notes } = await openCheckpoint(path, {
    arch: arch === undefined ? undefined : parseSpec(arch),
    head,
    image: imageSize,
    prepared: preparedSize({ preprocess, beside }),
  });
  const told = inferred.length === 0 ? [] : [inferredInWords(inferred)];
  return {
    model,
    sha256: await sha256Of(...files),
    beside,
    imageSize: undefined,
    notes: [...told, ...notes],
  };
}
