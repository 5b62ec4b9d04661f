/**
 * @file What fine-tuning starts from: any checkpoint as a model of transformers, translated before it is trained, so that
 * saving it is nothing but writing its tensors. Every translation computes the same as the checkpoint did; what
 * transformers has no class for is refused.
 */
import type { Plan, Size } from "../../architecture.js";
import { type Classes, classesFor, classifierNote } from "../../classes.js";
import { type Description, nameOf } from "../../description.js";
import { checkedPlan } from "../../index.js";
import type { StoredTensor, StoredTensors } from "../../stored-tensor.js";
import { swinArguments } from "../../timm/swin-arguments.js";
import type { HuggingFaceDescription } from "../config.js";
import { pairField } from "../fields.js";
import { configured } from "./configuration.js";
import { canBeDistilled, withDistillationToken } from "./distillation.js";
import { initialTensor } from "./initial.js";
import { refuseTranslation } from "./refusal.js";
import { holdWindows, translateSwin } from "./swin.js";
import { type Source, type Translated, translateVit } from "./vit.js";

export { configured } from "./configuration.js";
export { withDistillationToken } from "./distillation.js";
export { freshWeights } from "./fresh.js";
export { isRefusal } from "./refusal.js";

export interface TranslationOptions {
  /** The classes, in the order of the logits. Undefined: the checkpoint's own, with its classifier. */
  readonly labels?: readonly string[] | undefined;
  /** The size of the images, where it is not the checkpoint's: position embeddings are brought to it. */
  readonly image?: Size | undefined;
  /** The size that the processor's settings beside the checkpoint deliver. */
  readonly prepared?: Size | undefined;
  /** Whether there is to be a distillation token with a classifier of its own, as in DeiT; "where possible": not otherwise. */
  readonly distilled?: boolean | "where possible" | undefined;
  /** Of new classifiers. */
  readonly seed: number;
}

export interface HuggingFaceModel {
  readonly description: HuggingFaceDescription;
  /** Under transformers' names. They are read from the checkpoint's files, which must stay open until then. */
  readonly tensors: StoredTensors;
}

export interface Translation extends HuggingFaceModel {
  /** What a person should know; a sentence each. */
  readonly notes: readonly string[];
}

/** Said of a checkpoint without a classifier; it gets one here. */
const GIVES_FEATURES = /gives features/;

/** Swin V2's windows follow from the configuration's image size in transformers, not from the image's. */
function madeFor(description: Description, image: Size | undefined): Description {
  if (description.library !== "hugging-face" || description.modelType !== "swinv2" || image === undefined)
    return description;
  if (pairField.safeParse(description.json.image_size ?? 224).data?.join() === image.join())
    return description;
  return { ...description, json: { ...description.json, image_size: image } };
}

const movedNote = (image: Size): string =>
  `Windows are laid for images of ${image.join("×")}, as transformers does for a configuration of that size; at another size than the checkpoint's the model computes something else until it is trained.`;

function trainedWindows(description: Description): readonly number[] | undefined {
  if (description.library === "hugging-face") {
    const { pretrained_window_sizes: sizes } = description.json;
    return Array.isArray(sizes) ? sizes : undefined;
  }
  if (description.library !== "timm") return undefined;
  const { depths, trainedWindows: sizes } = swinArguments(description);
  return depths.map((_, stage) => {
    const [height, width] = sizes[stage] ?? [0, 0];
    if (height === width) return height;
    return refuseTranslation(nameOf(description), `it was pretrained with windows of ${height}×${width}`);
  });
}

function translated(plan: Plan, description: Description, source: Source, classes: Classes): Translated {
  const { network } = plan;
  if (network === undefined)
    return refuseTranslation(source.model, "it is none of the plain ViT, DeiT, DINOv2 and Swin");
  if (network.kind === "swin")
    return translateSwin(source, network.swin, classes, trainedWindows(description));
  const { stored } = network;
  return translateVit({ ...source, find: (name) => source.find(stored(name)) }, network.vit, classes);
}

/** The classes that a checkpoint names, if any. */
const labelsIn = (description: Description): readonly string[] | undefined =>
  description.library === "torchvision" ? undefined : description.labels;

/**
 * A checkpoint as a classifier of transformers' that computes the same (except for a Swin V2 of transformers at another
 * image size, whose windows are laid anew): ViTForImageClassification,
 * DeiTForImageClassification (WithTeacher where there are two classifiers), Dinov2ForImageClassification,
 * Dinov2WithRegistersForImageClassification, SwinForImageClassification or Swinv2ForImageClassification. Where the
 * classes change it gets new classifiers (normal, initializer_range, no bias).
 *
 * @throws VitreousError for tensors that do not fit the description, and by name for what transformers has no class for:
 *   norms of queries and keys, pooled patches, attention pooling, rotary positions, …
 */
export function asHuggingFace(
  description: Description,
  tensors: StoredTensors,
  { labels, image, prepared, distilled, seed }: TranslationOptions,
): Translation {
  const made = madeFor(description, image);
  const plan = checkedPlan(made, tensors, { image, prepared });
  const model = nameOf(description);
  const classes = classesFor(labels, labelsIn(description), plan.classes);
  const source: Source = { model, find: (name) => tensors.get(name) };
  const result = translated(plan, description, source, classes);
  const own =
    description.library === "hugging-face" && description.modelType === result.modelType
      ? description.json
      : {};
  const fields = { ...own, ...result.fields };
  const target = configured(result.modelType, fields, classes.labels, result.architecture);
  const notes = [
    ...(made === description || image === undefined ? [] : [movedNote(image)]),
    ...(plan.notes ?? []).filter((note) => !GIVES_FEATURES.test(note)),
    ...(labels === undefined ? [] : [classifierNote(classes, plan.classes)]),
  ];
  const whole = { description: target, tensors: withHeads(target, result, seed) };
  const { network } = checkedPlan(whole.description, whole.tensors, {});
  if (plan.network?.kind === "swin" && network?.kind === "swin") {
    holdWindows(model, plan.network.swin, network.swin);
  }
  const takesToken = distilled === true || (distilled === "where possible" && canBeDistilled(target));
  return takesToken ? withDistillationToken({ ...whole, notes }, seed) : { ...whole, notes };
}

function withHeads(
  description: HuggingFaceDescription,
  { trunk, heads, width }: Translated,
  seed: number,
): StoredTensors {
  const all = new Map<string, StoredTensor>(trunk);
  const classes = description.labels?.length ?? 0;
  for (const [module, own] of heads) {
    const [weight, bias] = [`${module}.weight`, `${module}.bias`];
    all.set(weight, own?.weight ?? initialTensor(description, weight, [classes, width], seed));
    all.set(bias, own?.bias ?? initialTensor(description, bias, [classes], seed));
  }
  return all;
}
