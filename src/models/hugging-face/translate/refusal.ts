/** @file How a model that transformers has no class for is refused: by name, with what it is and what to do. */
import { VitreousError } from "../../../onnx/errors.js";

/** @param what as in "it has norms of queries and keys" */
export function refuseTranslation(model: string, what: string): never {
  throw new VitreousError(
    `${model} has no counterpart in transformers, whose layout trained models are saved in: ${what}. Start from another checkpoint: a plain ViT, DeiT, DINOv2 or Swin of timm, torchvision or transformers.`,
  );
}
