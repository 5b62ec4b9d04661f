/** @file How a model that transformers has no class for is refused: by name, with what it is and what to do. */
import { VitreousError } from "../../../onnx/errors.js";

const refusals = new WeakSet<VitreousError>();

/** Whether this says that transformers has no class for a model, which its own library may well save. */
export const isRefusal = (error: unknown): boolean => error instanceof VitreousError && refusals.has(error);

/** @param what as in "it has norms of queries and keys" */
export function refuseTranslation(model: string, what: string): never {
  const error = new VitreousError(
    `${model} has no counterpart in transformers, whose layout trained models are saved in: ${what}. Start from another checkpoint: a plain ViT, DeiT, DINOv2 or Swin of timm, torchvision or transformers.`,
  );
  refusals.add(error);
  throw error;
}
