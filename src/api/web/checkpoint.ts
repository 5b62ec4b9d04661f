/** @file A checkpoint in a page: the bytes of its weights and what its config.json says, without files or folders. */
import { outputSize } from "../../imaging/preprocessing.js";
import { bytesInMemory } from "../../models/byte-source.js";
import {
  buildModel,
  type Recognised,
  readConfig,
  recognise,
  type StoredTensors,
} from "../../models/index.js";
import { readTensors } from "../../models/read-tensors.js";
import { unwrap } from "../../models/wrappings.js";
import { VitreousError } from "../../onnx/errors.js";
import type { Model } from "../../onnx/graph.js";
import { parseSpec } from "../../spec.js";
import { inferredInWords } from "../inferred.js";
import { type NamedText, statedPreprocessing } from "../settings.js";

/** Weights with what says which model they are of. */
export interface WebCheckpoint {
  /** A .safetensors file, or one of torch.save (.pth, .pt, .bin). Not copied: it must not change. */
  readonly weights: Uint8Array;
  /** The config.json beside it, of Hugging Face's or timm's layout: its text, or parsed. */
  readonly config?: string | object;
  /** Name of the architecture where there is no config.json: "vit_b_16", "vit_tiny_patch16_224:img_size=64". */
  readonly arch?: string;
}

export interface ReadWebCheckpoint {
  readonly model: Model;
  /** The configuration, where settings are looked for. */
  readonly beside: readonly NamedText[];
  readonly notes: readonly string[];
}

export interface WebCheckpointOptions {
  /** What messages call the weights. */
  readonly name: string;
  readonly preprocess?: NamedText | undefined;
  /** Height and width asked for. */
  readonly imageSize?: readonly [number, number] | undefined;
}

/**
 * The model of a checkpoint, as `openModel` makes it of a folder in Node.
 *
 * @throws VitreousError for a damaged file, an unknown architecture or option, or tensors that do not fit
 */
export async function readWebCheckpoint(
  { weights, config, arch }: WebCheckpoint,
  { name, preprocess, imageSize }: WebCheckpointOptions,
): Promise<ReadWebCheckpoint> {
  const read = await readTensors(bytesInMemory(weights, name));
  const { tensors, notes } = unwrap(read.tensors);
  const beside = config === undefined ? [] : [textOf(config)];
  const { description, inferred } = describe(tensors, beside[0], arch, name);
  const stated = statedPreprocessing({ preprocess, beside });
  const built = await buildModel(description, tensors, {
    image: imageSize,
    prepared: stated && outputSize(stated),
  });
  const told = inferred.length === 0 ? [] : [inferredInWords(inferred)];
  return { model: built.model, beside, notes: [...told, ...read.notes, ...notes, ...built.notes] };
}

const textOf = (config: string | object): NamedText => ({
  name: "config.json",
  text: typeof config === "string" ? config : JSON.stringify(config),
});

function describe(
  tensors: StoredTensors,
  config: NamedText | undefined,
  arch: string | undefined,
  name: string,
): Recognised {
  if (config !== undefined && arch === undefined) {
    return { description: readConfig(parse(config), config.name), inferred: [] };
  }
  try {
    return recognise(tensors, arch === undefined ? undefined : parseSpec(arch));
  } catch (error) {
    if (!(error instanceof VitreousError)) throw error;
    throw new VitreousError(`${name}: ${error.message}`, { cause: error });
  }
}

function parse({ name, text }: NamedText): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new VitreousError(`${name} is no JSON: ${error instanceof Error ? error.message : String(error)}.`);
  }
}
