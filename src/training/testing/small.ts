/** @file Small models of the repository, opened for training, and batches that are the same in every run of the tests. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import {
  type BuiltModel,
  buildModel,
  type Description,
  readConfig,
  type StoredTensors,
} from "../../models/index.js";
import { readSafetensors } from "../../models/safetensors.js";
import { stored, storedTensors } from "../../models/stored-tensor.js";
import { float32Tensor } from "../../onnx/tensor.js";
import type { TrainingBatch } from "../types.js";

/** What a folder of test/fixtures/checkpoints holds. */
export function smallCheckpoint(name: string): { description: Description; tensors: StoredTensors } {
  const path = (file: string) =>
    fileURLToPath(new URL(`../../../test/fixtures/checkpoints/${name}/checkpoint/${file}`, import.meta.url));
  return {
    description: readConfig(JSON.parse(readFileSync(path("config.json"), "utf8"))),
    tensors: storedTensors(readSafetensors(readFileSync(path("model.safetensors")), name).tensors),
  };
}

/**
 * By the folder's name in test/fixtures/checkpoints.
 *
 * @param given in the place of the checkpoint's tensors
 */
export async function smallModel(
  name: string,
  given?: StoredTensors,
): Promise<{ built: BuiltModel; tensors: StoredTensors }> {
  const { description, tensors: own } = smallCheckpoint(name);
  const tensors = given ?? own;
  return { built: await buildModel(description, tensors), tensors };
}

/** The model with the tensors that a golden has others for, as `tensor.<name>`. */
export async function changedModel(
  name: string,
  golden: ReadonlyMap<string, { readonly dims: readonly number[]; readonly data: ArrayBufferView }>,
): ReturnType<typeof smallModel> {
  const own = await smallModel(name);
  const others = [...own.tensors.keys()].flatMap((tensor) => {
    const other = golden.get(`tensor.${tensor}`);
    return other?.data instanceof Float32Array
      ? [[tensor, stored(float32Tensor(other.dims, other.data))] as const]
      : [];
  });
  return others.length === 0 ? own : smallModel(name, new Map([...own.tensors, ...others]));
}

/** Images of 3·16·16 and smoothed targets of 6 classes; the sample weights make the mean of `of` images. */
export function smallBatch(size: number, offset = 0, of = size): TrainingBatch {
  const classes = 6;
  const images = Array.from({ length: size }, (_, i) => i + offset);
  const pixels = Float32Array.from(
    { length: size * 3 * 16 * 16 },
    (_, i) => Math.sin((i + offset * 768 + 1) * 0.618) + Math.cos((i + offset * 768) * 0.0137),
  );
  const targets = new Float32Array(size * classes).fill(0.1 / classes);
  images.forEach((image, i) => {
    const at = i * classes + ((image * 5) % classes);
    targets[at] = (targets[at] ?? 0) + 0.9;
  });
  return { pixels, targets, sampleWeights: new Float32Array(size).fill(1 / of), indices: images, size };
}
