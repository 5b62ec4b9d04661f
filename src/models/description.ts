/**
 * @file What a checkpoint says of itself, in the words of the library it comes from. Reading is split in two: here, which
 * library and which architecture; in the architecture's own file, its options, each understood or refused, so that
 * none that changes what the model computes is dropped in silence.
 */
import type { HuggingFaceDescription } from "./hugging-face/config.js";
import type { TimmDescription } from "./timm/config.js";
import type { TorchvisionDescription } from "./torchvision/description.js";

export type Description = TimmDescription | HuggingFaceDescription | TorchvisionDescription;

/** What people call the model: timm's architecture, Hugging Face's class, torchvision's function. */
export function nameOf(description: Description): string {
  if (description.library === "hugging-face") {
    return description.architectures[0] ?? description.modelType;
  }
  return description.architecture;
}
