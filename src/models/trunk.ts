/**
 * @file A checkpoint without its classifier, as its library keeps such: what self-supervised training starts from and
 * leaves, and what fine-tuning gives a new classifier.
 */
import { VitreousError } from "../onnx/errors.js";
import type { Description } from "./description.js";
import type { HuggingFaceDescription } from "./hugging-face/config.js";
import type { TranslationOptions } from "./hugging-face/translate/index.js";
import type { StoredTensors } from "./stored-tensor.js";
import type { TimmDescription } from "./timm/config.js";
import { headsOf } from "./timm/retarget.js";
import { type Trainable, trainable } from "./trainable.js";

/** transformers' classes of models without a head, by type. */
const TRUNKS: Readonly<Record<string, string>> = {
  vit: "ViTModel",
  deit: "DeiTModel",
  dinov2: "Dinov2Model",
  dinov2_with_registers: "Dinov2WithRegistersModel",
  swin: "SwinModel",
  swinv2: "Swinv2Model",
};

/** Fields of a configuration that speak of classes. */
const OF_CLASSES: ReadonlySet<string> = new Set(["id2label", "label2id", "num_labels", "problem_type"]);

/** For the translation, which makes classifiers; this one is thrown away. */
const ANY = ["any"];

/** What `trainable` says of the classifier that is thrown away. */
const OF_CLASSIFIER = /^(A new classifier|The checkpoint's classifier)/;

/**
 * A checkpoint as a trunk, in the layout that it will be saved in: transformers' ViTModel, DeiTModel, Dinov2Model,
 * Dinov2WithRegistersModel, SwinModel or Swinv2Model; timm's architecture with no classes where transformers has none.
 *
 * @throws VitreousError as `trainable` does
 */
export function trunkOf(
  description: Description,
  tensors: StoredTensors,
  options: Omit<TranslationOptions, "labels" | "distilled">,
): Trainable {
  const whole = trainable(description, tensors, { ...options, labels: ANY });
  const { library } = whole.description;
  const bare =
    library === "timm"
      ? withoutTimmHead(whole.description, whole.tensors)
      : withoutHead(whole.description, whole.tensors);
  return { ...bare, notes: whole.notes.filter((note) => !OF_CLASSIFIER.test(note)) };
}

function withoutHead(
  { modelType, json }: HuggingFaceDescription,
  tensors: StoredTensors,
): Omit<Trainable, "notes"> {
  const name = TRUNKS[modelType];
  if (name === undefined) throw new VitreousError(`transformers has no trunk of the type ${modelType} here`);
  const prefix = `${modelType}.`;
  const fields = Object.entries(json).filter(([field]) => !OF_CLASSES.has(field));
  return {
    description: {
      library: "hugging-face",
      modelType,
      architectures: [name],
      json: { ...Object.fromEntries(fields), architectures: [name] },
      labels: undefined,
    },
    tensors: new Map(
      [...tensors].flatMap(([tensor, stored]) =>
        tensor.startsWith(prefix) ? [[tensor.slice(prefix.length), stored] as const] : [],
      ),
    ),
  };
}

function withoutTimmHead(description: TimmDescription, tensors: StoredTensors): Omit<Trainable, "notes"> {
  const heads = headsOf(description, tensors).flatMap((head) => [`${head}.weight`, `${head}.bias`]);
  return {
    description: {
      ...description,
      classes: 0,
      pretrained: { ...description.pretrained, num_classes: 0 },
      labels: undefined,
    },
    tensors: new Map([...tensors].filter(([tensor]) => !heads.includes(tensor))),
  };
}
