/** @file Opens a model from disk in Node: the file, what is said of it beside it, and a runtime for it. */
import { basename } from "node:path";
import type { AnatomyHints } from "../../anatomy/hints.js";
import { VitreousError } from "../../onnx/errors.js";
import type { Model } from "../../onnx/graph.js";
import { type NodeRuntimeOptions, nodeRuntime } from "../../runtime/node/node-runtime.js";
import { understand } from "../graphs.js";
import { completeParts, type ModelParts } from "../image-model.js";
import { readSettings } from "../settings.js";
import { NodeModel } from "./node-model.js";
import { sha256OfBytes } from "./sha256.js";
import { readSource } from "./source.js";
import { readText } from "./text.js";

export interface OpenOptions {
  /** Where to compute; "cpu" by default. */
  readonly device?: NonNullable<NodeRuntimeOptions["device"]>;
  /** Threads; by default one for each physical core. */
  readonly threads?: number;
  /** File that says how images are prepared. */
  readonly preprocess?: string;
  /** File with class names. */
  readonly labels?: string;
  /**
   * Name of the architecture, for weights without a config.json: "vit_b_16", or with parameters in the library's own
   * words, "vit_tiny_patch16_224:num_heads=3,img_size=64".
   */
  readonly arch?: string;
  /**
   * File with a linear classifier (weight [classes, features], bias), for a checkpoint that has none or in the place of
   * its own. It reads what the model's own would, or the class token beside the mean of the patches where it is twice as
   * wide; ":order=interleaved" or ":order=concatenated" behind the file's name says how these lie where that is not clear.
   */
  readonly head?: string;
  /** Height and width, for an .onnx file that takes any, or other than those of a checkpoint. */
  readonly imageSize?: readonly [number, number];
  /** Tensors named by hand where the anatomy cannot tell. */
  readonly hints?: AnatomyHints;
  /** For random baselines, tie orders and controls; default 0. */
  readonly seed?: number;
  /** Sets of methods that stay ready to run, each of which holds the weights once more; default 1. */
  readonly ready?: number;
  /** Ends a download from the Hugging Face hub; what has come is kept for the next time. */
  readonly signal?: AbortSignal;
  /** While a model is downloaded: bytes that have come, of how many, and the file they belong to. */
  readonly onProgress?: (bytes: number, total: number, file: string) => void;
}

/**
 * Opens an .onnx file, a checkpoint's folder (Hugging Face's layout, or timm's), a file of weights, or a model of the
 * Hugging Face hub ("hf:owner/name[@revision]"). Reads the anatomy; runs nothing yet.
 *
 * @throws VitreousError: no such file, no model, no image classifier, settings that do not fit it.
 */
export async function openModel(path: string, options: OpenOptions = {}): Promise<NodeModel> {
  const { parts } = await openParts(path, options);
  return new NodeModel(options.ready === undefined ? parts : { ...parts, ready: options.ready });
}

export interface OpenedParts {
  readonly parts: ModelParts;
  /** The model as it was read, before anything was made of it. */
  readonly original: Model;
}

/** All that opening finds out. The caller closes `parts.runtime`. */
export async function openParts(path: string, options: OpenOptions): Promise<OpenedParts> {
  const { device, threads, hints } = options;
  const preprocess = options.preprocess === undefined ? undefined : await readText(options.preprocess);
  const labels = options.labels === undefined ? undefined : await readText(options.labels);
  const source = await readSource(path, { ...options, preprocess });
  const runtime = await nodeRuntime({ ...(device && { device }), ...(threads && { threads }) });
  try {
    const { anatomy, graphs, head } = await understand(source.model, runtime, {
      hints,
      image: source.imageSize,
      prepared: source.prepared,
    }).catch((error: unknown) => {
      throw named(error, path);
    });
    const { metadata } = source.model;
    const { beside, notes } = source;
    const { imageSize } = options;
    const ownClassifier = options.head === undefined;
    const settings = readSettings(
      { preprocess, labels, beside, metadata, imageSize, ownClassifier },
      anatomy,
    );
    const configuration = sha256OfBytes(new TextEncoder().encode(beside.map(({ text }) => text).join("\0")));
    const facts = {
      name: path,
      sha256: source.sha256,
      configuration,
      labels: settings.labels,
      seed: options.seed ?? 0,
    };
    const parts = await completeParts({ anatomy, graphs, head, runtime, settings, facts, notes });
    return { parts, original: source.model };
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
