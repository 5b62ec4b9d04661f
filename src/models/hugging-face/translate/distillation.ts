/**
 * @file A second token and a second classifier for a plain ViT, so that it can learn from a teacher as DeiT does (Touvron
 * et al. 2021): the token and its position are drawn from a normal distribution, all else stays as it was.
 */
import { VitreousError } from "../../../onnx/errors.js";
import { derived } from "../../derived.js";
import { truncatedNormal } from "../../drawn.js";
import type { StoredTensor, StoredTensors } from "../../stored-tensor.js";
import type { HuggingFaceDescription } from "../config.js";
import { configured, TEACHER } from "./configuration.js";
import type { Translation } from "./index.js";
import { deviationOf, initialTensor } from "./initial.js";

const TOKEN = "deit.embeddings.distillation_token";
const POSITIONS = "deit.embeddings.position_embeddings";

/** [1, 1 + patches, dim] with a row for the new token behind the class token's. */
function withRow(table: StoredTensor, row: StoredTensor): StoredTensor {
  const [, count = 0, dim = 0] = table.dims;
  return derived([1, count + 1, dim], [table, row], ([values = new Float32Array(), own = []]) => {
    const out = new Float32Array((count + 1) * dim);
    out.set(values.subarray(0, dim));
    out.set(own, dim);
    out.set(values.subarray(dim), 2 * dim);
    return out;
  });
}

/** Under DeiT's names; the classifier reads the class token. */
function renamed(tensors: StoredTensors): Map<string, StoredTensor> {
  return new Map(
    [...tensors].map(([name, tensor]) => [
      name.replace(/^vit\./, "deit.").replace(/^classifier\./, "cls_classifier."),
      tensor,
    ]),
  );
}

/** Whether transformers has this model with a distillation token: ViT and DeiT, as DeiT. */
export const canBeDistilled = ({ modelType }: HuggingFaceDescription): boolean =>
  modelType === "vit" || modelType === "deit";

/**
 * A ViT or DeiT as DeiTForImageClassificationWithTeacher; one that is that already stays as it is.
 *
 * @throws VitreousError for DINOv2 and Swin, which have no such class
 */
export function withDistillationToken(model: Translation, seed: number): Translation {
  const { description, tensors, notes } = model;
  const [architecture = ""] = description.architectures;
  if (architecture === TEACHER) return model;
  if (!canBeDistilled(description)) {
    throw new VitreousError(
      `${architecture} cannot get a distillation token: transformers has one in DeiT only. Start from a plain ViT or DeiT, or train without the token.`,
    );
  }
  const target = configured("deit", description.json, description.labels ?? [], TEACHER);
  const all = renamed(tensors);
  const table = all.get(POSITIONS);
  const weight = all.get("cls_classifier.weight");
  if (table === undefined || weight === undefined) throw new RangeError("not a translated classifier");
  const [classes = 0] = weight.dims;
  const dim = table.dims[2] ?? 0;
  if (!all.has(TOKEN)) {
    all.set(TOKEN, initialTensor(target, TOKEN, [1, 1, dim], seed));
    const row = truncatedNormal(`${POSITIONS}.distillation`, [1, 1, dim], deviationOf(target), seed);
    all.set(POSITIONS, withRow(table, row));
  }
  for (const [part, dims] of [
    ["weight", weight.dims],
    ["bias", [classes]],
  ] as const) {
    const name = `distillation_classifier.${part}`;
    all.set(name, initialTensor(target, name, dims, seed));
  }
  const what =
    description.modelType === "vit" ? "A distillation token and its classifier" : "A second classifier";
  return { description: target, tensors: all, notes: [...notes, `${what} were added, untrained.`] };
}
