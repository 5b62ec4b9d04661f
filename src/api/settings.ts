/**
 * @file How a model's images are prepared and what its classes are called: from what the user gives, else from files
 * beside the model, else from its metadata, else ImageNet's default with a warning. The order is the contract of the
 * command line; where each came from is kept.
 */
import type { Anatomy } from "../anatomy/anatomy.js";
import { defaultPreprocessing, outputSize, type Preprocessing } from "../imaging/preprocessing.js";
import { readPreprocessing, saysPreprocessing } from "../imaging/read-preprocessing.js";
import { VitreousError } from "../onnx/errors.js";
import { checkLabels, labelsFromJson, labelsFromText, numberedLabels } from "./labels.js";

/** A file's text with the name that messages use. */
export interface NamedText {
  readonly name: string;
  readonly text: string;
}

export interface SettingsSources {
  readonly preprocess?: NamedText | undefined;
  readonly labels?: NamedText | undefined;
  /** preprocessor_config.json and config.json beside the model, in this order, where they exist. */
  readonly beside: readonly NamedText[];
  readonly metadata: ReadonlyMap<string, string>;
}

export interface Settings {
  readonly preprocessing: Preprocessing;
  readonly labels: readonly string[];
  /** What the user should be told. */
  readonly warnings: readonly string[];
}

const PREPROCESSING_KEYS = ["vitreous.preprocessing", "preprocessor_config", "pretrained_cfg"];
const LABEL_KEYS = ["vitreous.labels", "id2label", "labels", "names", "classes"];

export function readSettings(sources: SettingsSources, anatomy: Anatomy): Settings {
  const found = findPreprocessing(sources, anatomy);
  const preprocessing = found === undefined ? forTensors(anatomy) : fitting(found, anatomy);
  return { preprocessing, labels: findLabels(sources, anatomy), warnings: preprocessing.warnings };
}

/** Undefined where nothing says it and the model's channels are not those of a picture. */
function findPreprocessing(sources: SettingsSources, anatomy: Anatomy): Preprocessing | undefined {
  const { preprocess: given } = sources;
  if (given !== undefined) return readPreprocessing(parseJson(given), given.name);
  for (const file of sources.beside) {
    const json = parseJson(file);
    if (saysPreprocessing(json)) return readPreprocessing(json, file.name);
  }
  for (const key of PREPROCESSING_KEYS) {
    const text = sources.metadata.get(key);
    const where = `the model's metadata ${key}`;
    if (text !== undefined) return readPreprocessing(parseJson({ name: where, text }), where);
  }
  const { channels } = anatomy.input;
  if (channels !== 1 && channels !== 3) return undefined;
  const guess = defaultPreprocessing(anatomy.image, channels);
  if (anatomy.input.preprocessing === "outside") return guess;
  // The graph normalises by itself: only how the picture is brought to size is guessed.
  const [height, width] = anatomy.image;
  return {
    ...guess,
    warnings: [
      `nothing says how pictures are brought to ${height}×${width}; shorter side to size/0.875, then a centre crop is used: give the right way with --preprocess FILE.`,
    ],
  };
}

/** A model that takes no pictures: its images come as tensors, and as they are. */
function forTensors({ image, input }: Anatomy): Preprocessing {
  return {
    ...defaultPreprocessing(image),
    mean: [0, 0, 0],
    std: [1, 1, 1],
    warnings: [
      `the model takes images of ${input.channels} channels, which pictures do not have: give them as .npy files, prepared as the model wants them.`,
    ],
  };
}

/** Throws unless what preprocessing makes is what the model takes. */
function fitting(preprocessing: Preprocessing, { image, input }: Anatomy): Preprocessing {
  const size = outputSize(preprocessing);
  if (size !== undefined && (size[0] !== image[0] || size[1] !== image[1])) {
    throw new VitreousError(
      `${preprocessing.source} prepares images of ${size[0]}×${size[1]}, but the model takes ${image[0]}×${image[1]}; give the right one with --preprocess FILE`,
    );
  }
  if (preprocessing.channels !== input.channels) {
    throw new VitreousError(
      `${preprocessing.source} prepares images of ${preprocessing.channels} channels, but the model takes ${input.channels}; give the right one with --preprocess FILE`,
    );
  }
  return preprocessing;
}

function findLabels(sources: SettingsSources, { output }: Anatomy): readonly string[] {
  const { labels: given } = sources;
  if (given !== undefined)
    return checkLabels(labelsFromText(given.text, given.name), output.classes, given.name);
  for (const file of sources.beside) {
    const json = parseJson(file);
    const named = typeof json === "object" && json !== null && ("id2label" in json || "label_names" in json);
    const labels = named ? labelsFromJson(json) : undefined;
    if (labels !== undefined) return checkLabels(labels, output.classes, file.name);
  }
  for (const key of LABEL_KEYS) {
    const text = sources.metadata.get(key);
    if (text === undefined || !/^\s*[[{]/.test(text)) continue;
    // Other tools write other things under these names (Python dictionaries, say): only JSON of names counts.
    const labels = labelsFromJson(tryJson(text));
    if (labels !== undefined) return checkLabels(labels, output.classes, `the model's metadata ${key}`);
  }
  return numberedLabels(output.classes);
}

function parseJson({ name, text }: NamedText): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new VitreousError(
      `${name} is no valid JSON: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}

function tryJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
