/** @file Small backbones for DINO, and crops that are the same in every run of the tests and in test/oracle/dino_steps.py. */
import type { Trainable } from "../../models/trainable.js";
import type { DinoBatch, DinoTrainer } from "../dino/types.js";
import { smallCheckpoint } from "./small.js";

const BATCH = 4;

/** By the folder's name in test/fixtures/checkpoints. */
export function smallBackbone(name: string): Trainable {
  const { description, tensors } = smallCheckpoint(name);
  if (description.library === "torchvision") throw new Error(`${name} is in a layout that is not saved`);
  return { description, tensors, notes: [] };
}

/** Crops of a step, in the sizes that the trainer takes. */
export function crops(
  { globalSize, localSize }: Pick<DinoTrainer, "globalSize" | "localSize">,
  step: number,
  locals = 2,
  size = BATCH,
): DinoBatch {
  const crop = (place: number, [height = 0, width = 0]: readonly number[]): Float32Array =>
    Float32Array.from(
      { length: BATCH * 3 * height * width },
      (_, i) => Math.sin((i + 1) * (0.31 + 0.07 * place) + step) + Math.cos(i * 0.0137 * (step + 1)),
    );
  return {
    globals: [crop(0, globalSize), crop(1, globalSize)],
    locals: Array.from({ length: locals }, (_, i) => crop(2 + i, localSize ?? [])),
    size,
    indices: Array.from({ length: size }, (_, i) => i),
  };
}
