/**
 * @file How a model's images are prepared and what its classes are called: from what the user gives, else from files
 * beside the model, else from its metadata, else ImageNet's default with a warning. The order is the contract of the
 * command line; where each came from is kept.
 */
import type { Anatomy } from "../anatomy/anatomy.js";
import {
  defaultPreprocessing,
  outputSize,
  type Preprocessing,
  resizedTo,
  sizingInWords,
} from "../imaging/preprocessing.js";
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
  /** processor_config.json, preprocessor_config.json and config.json beside the model, in this order, where they exist. */
  readonly beside: readonly NamedText[];
  readonly metadata: ReadonlyMap<string, string>;
  /** False where another classifier was put behind the model: the labels beside it are not its. Default true. */
  readonly ownClassifier?: boolean;
  /** The user asked for this [height, width]: preparation for another size is then scaled to it. */
  readonly imageSize?: readonly [number, number] | undefined;
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
  return { labels: findLabels(sources, anatomy), ...settlePreprocessing(sources, anatomy) };
}

/** Of a model's images: what decides how they can be prepared. */
export interface TakenImages {
  /** [height, width] */
  readonly image: readonly [number, number];
  readonly input: Pick<Anatomy["input"], "channels" | "preprocessing">;
}

/** How images are prepared for a model, with what the user should be told. @throws VitreousError where it does not fit */
export function settlePreprocessing(
  sources: Omit<SettingsSources, "labels" | "ownClassifier">,
  takes: TakenImages,
): Settled {
  const found = findPreprocessing(sources, takes);
  return found === undefined ? forTensors(takes) : fitting(found, takes, sources.imageSize);
}

/** Of what the user gives, or else of the files beside the model, in their order; undefined where none says it. */
export function statedPreprocessing({
  preprocess: given,
  beside,
}: Pick<SettingsSources, "preprocess" | "beside">): Preprocessing | undefined {
  const modelType = beside.map(({ text }) => modelTypeOf(tryJson(text))).find((type) => type !== undefined);
  if (given !== undefined) return readPreprocessing(parseJson(given), given.name, modelType);
  for (const file of beside) {
    const json = parseJson(file);
    if (saysPreprocessing(json)) return readPreprocessing(json, file.name, modelType);
  }
  return undefined;
}

/** The size that images are prepared in, where the same files say it. */
export function preparedSize(
  sources: Parameters<typeof statedPreprocessing>[0],
): readonly [number, number] | undefined {
  const stated = statedPreprocessing(sources);
  return stated && outputSize(stated);
}

/** Undefined where nothing says it and the model's channels are not those of a picture. */
function findPreprocessing(
  sources: Omit<SettingsSources, "labels" | "ownClassifier">,
  anatomy: TakenImages,
): Preprocessing | undefined {
  const { channels } = anatomy.input;
  const stated = statedPreprocessing(sources);
  // A file about pictures says nothing of a model of other images, unless the user insists.
  const beside = stated !== undefined && sources.preprocess === undefined;
  if (beside && !isPicture(channels) && stated.channels !== channels) return undefined;
  const { image } = anatomy;
  if (stated !== undefined && !(beside && sources.imageSize === undefined && makesOther(stated, image))) {
    return stated;
  }
  const inside = preprocessingInside(sources.metadata);
  if (stated !== undefined) {
    if (inside === undefined || makesOther(inside, image)) return stated;
    // timm's configuration may keep the size of the pretrained weights where the model was made for another.
    const kept = `${stated.source} prepares images of ${outputSize(stated)?.join("×")}; for the model's ${image.join("×")}: ${sizingInWords(inside)}`;
    return { ...inside, warnings: [...inside.warnings, kept] };
  }
  if (inside !== undefined) return inside;
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

function preprocessingInside(metadata: ReadonlyMap<string, string>): Preprocessing | undefined {
  for (const key of PREPROCESSING_KEYS) {
    const text = metadata.get(key);
    const where = `the model's metadata ${key}`;
    if (text !== undefined) return readPreprocessing(parseJson({ name: where, text }), where);
  }
  return undefined;
}

/** Whether it makes images of another size than this one. */
function makesOther(p: Preprocessing, [height, width]: readonly [number, number]): boolean {
  const size = outputSize(p);
  return size !== undefined && (size[0] !== height || size[1] !== width);
}

/** config.json's model_type: it says which image processor a file that names none is of. */
function modelTypeOf(json: unknown): string | undefined {
  const type =
    typeof json === "object" && json !== null && "model_type" in json ? json.model_type : undefined;
  return typeof type === "string" ? type : undefined;
}

type Settled = Pick<Settings, "preprocessing" | "warnings">;

const isPicture = (channels: number): boolean => channels === 1 || channels === 3;

const onlyTensors = (channels: number): string =>
  `the model takes images of ${channels} channels, which pictures do not have: give them as .npy files, prepared as the model wants them.`;

/** A model that takes no pictures: its images come as tensors, and as they are. */
function forTensors({ image, input: { channels } }: TakenImages): Settled {
  const preprocessing = {
    ...defaultPreprocessing(image),
    channels,
    mean: Array.from({ length: channels }, () => 0),
    std: Array.from({ length: channels }, () => 1),
    source: "none",
    warnings: [],
  };
  return { preprocessing, warnings: [onlyTensors(channels)] };
}

/** Preparation that treats all channels alike is that of grey pictures too. */
function ofGrey(p: Preprocessing): Preprocessing | undefined {
  const alike = [p.mean, p.std].every((values) => values.every((v) => v === values[0]));
  return alike ? { ...p, channels: 1, mean: p.mean.slice(0, 1), std: p.std.slice(0, 1) } : undefined;
}

/** What preprocessing makes must be what the model takes; another size is adapted where the user asked for it. */
function fitting(
  stated: Preprocessing,
  { image, input: { channels } }: TakenImages,
  asked: SettingsSources["imageSize"],
): Settled {
  const found = channels === 1 ? (ofGrey(stated) ?? stated) : stated;
  if (found.channels !== channels) {
    throw new VitreousError(
      `${found.source} prepares images of ${found.channels} channels, but the model takes ${channels}; give the right one with --preprocess FILE`,
    );
  }
  const warnings = isPicture(channels) ? found.warnings : [...found.warnings, onlyTensors(channels)];
  if (!makesOther(found, image)) return { preprocessing: found, warnings };
  const [from, to] = [outputSize(found)?.join("×"), image.join("×")];
  const preprocessing = asked === undefined ? undefined : resizedTo(found, image);
  if (preprocessing === undefined) {
    throw new VitreousError(
      `${found.source} prepares images of ${from}, but the model takes ${to}; give the right one with --preprocess FILE`,
    );
  }
  const adapted = `${found.source} prepares images of ${from}; for ${to}, as asked for: ${sizingInWords(preprocessing)}`;
  return { preprocessing, warnings: [...warnings, adapted] };
}

function findLabels(sources: SettingsSources, { output }: Anatomy): readonly string[] {
  const { labels: given } = sources;
  if (output.kind === "features") {
    if (given !== undefined)
      throw new VitreousError(`${given.name} names classes, but the model gives features and has none`);
    return [];
  }
  if (given !== undefined)
    return checkLabels(labelsFromText(given.text, given.name), output.classes, given.name);
  for (const file of sources.ownClassifier === false ? [] : sources.beside) {
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
