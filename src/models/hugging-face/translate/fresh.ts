/** @file Weights for a model that is trained from nothing. */
import { VitreousError } from "../../../onnx/errors.js";
import { tensorsTaken } from "../../index.js";
import type { StoredTensors } from "../../stored-tensor.js";
import type { HuggingFaceDescription } from "../config.js";
import { isClassifierType } from "./configuration.js";
import { initialTensor } from "./initial.js";

/** Marks by which a trunk's prefix is known where the description does not settle it. */
const hintsFor = (modelType: string) =>
  new Map([[`${modelType}.embeddings.norm.weight`, { dims: [] as readonly number[] }]]);

/**
 * All tensors of a configuration, drawn as transformers draws them; the same for the same seed.
 *
 * @param description of a ViT, DeiT, DINOv2, Swin or Swin V2 with a classifier, as `configured` makes it
 * @throws VitreousError for other models
 */
export function freshWeights(description: HuggingFaceDescription, seed: number): StoredTensors {
  const { modelType } = description;
  if (!isClassifierType(modelType))
    throw new VitreousError(
      `${modelType} cannot be trained from nothing here: ViT, DeiT, DINOv2 and Swin can.`,
    );
  const taken = tensorsTaken(description, hintsFor(modelType));
  return new Map([...taken].map(([name, dims]) => [name, initialTensor(description, name, dims, seed)]));
}
