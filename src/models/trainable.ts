/**
 * @file What training starts from and what it leaves: a model of transformers wherever there is one, else timm's own. The
 * one place that knows of both.
 */
import { type Expressed, expressible } from "../imaging/hugging-face-settings.js";
import type { Preprocessing } from "../imaging/preprocessing.js";
import { timmExpressible } from "../imaging/timm-settings.js";
import { VitreousError } from "../onnx/errors.js";
import type { Tensor } from "../onnx/graph.js";
import { type Description, nameOf } from "./description.js";
import type { HuggingFaceDescription } from "./hugging-face/config.js";
import { huggingFaceFiles } from "./hugging-face/save.js";
import {
  asHuggingFace,
  isRefusal,
  type Translation,
  type TranslationOptions,
} from "./hugging-face/translate/index.js";
import type { StoredTensors } from "./stored-tensor.js";
import type { TimmDescription } from "./timm/config.js";
import { asTimm } from "./timm/retarget.js";
import { timmFiles } from "./timm/save.js";
import type { Precision } from "./write-safetensors.js";

/** Of the libraries whose layouts are written. */
export type TrainableDescription = HuggingFaceDescription | TimmDescription;

export interface Trainable {
  readonly description: TrainableDescription;
  /** Read from the checkpoint's files, which must stay open until then. */
  readonly tensors: StoredTensors;
  /** What a person should know; a sentence each. */
  readonly notes: readonly string[];
}

/**
 * A checkpoint as a classifier of the wanted classes and image size, in the layout that it will be saved in.
 *
 * @throws VitreousError as `asHuggingFace` does, and for a distillation token where only timm's layout holds the model
 */
export function trainable(
  description: Description,
  tensors: StoredTensors,
  options: TranslationOptions,
): Trainable {
  if (description.library !== "timm") return asHuggingFace(description, tensors, options);
  const translated = orRefusal(description, tensors, options);
  // transformers' processors make pictures of three channels only.
  if ("notes" in translated && translated.description.json.num_channels === 3) return translated;
  if (options.distilled === true) {
    throw new VitreousError(
      `${nameOf(description)} cannot get a distillation token: timm has one in DeiT only. Start from a plain ViT or DeiT, or train without the token.`,
    );
  }
  const own = asTimm(description, tensors, options);
  const note = "transformers has nothing for this model: it is saved in timm's layout.";
  return { ...own, notes: [...own.notes, note] };
}

function orRefusal(
  description: Description,
  tensors: StoredTensors,
  options: TranslationOptions,
): Translation | { readonly refused: true } {
  try {
    return asHuggingFace(description, tensors, options);
  } catch (error) {
    if (isRefusal(error)) return { refused: true };
    throw error;
  }
}

/** How pictures are prepared so that the library that the model is saved for does the same. */
export const expressibleFor = ({ library }: TrainableDescription, p: Preprocessing): Expressed =>
  library === "timm" ? timmExpressible(p) : expressible(p);

export interface SavedTrainable {
  readonly description: TrainableDescription;
  readonly tensors: ReadonlyMap<string, Tensor>;
  /** `expressibleFor(…).preprocessing`. */
  readonly preprocessing: Preprocessing;
  readonly precision?: Precision | undefined;
}

/** A model's files by name, text or pieces of bytes; throws as the layout's own function does. */
export function trainedFiles(model: SavedTrainable): ReadonlyMap<string, string | readonly Uint8Array[]> {
  const { description } = model;
  return description.library === "timm"
    ? timmFiles({ ...model, description })
    : huggingFaceFiles({ ...model, description });
}
