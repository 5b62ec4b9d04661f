/** @file One file of weights, whatever its format. */
import type { ByteSource } from "./byte-source.js";
import { kindOf } from "./file-kind.js";
import { openPytorch } from "./pytorch/index.js";
import { openSafetensors } from "./safetensors.js";
import type { StoredTensors } from "./stored-tensor.js";

export interface ReadTensors {
  /** By the names in the file, wrappers' included. */
  readonly tensors: StoredTensors;
  /** What was chosen among several models in the file; a sentence each. */
  readonly notes: readonly string[];
}

/**
 * The tensors of a safetensors file or of a file of `torch.save`. Only what describes them is read now.
 *
 * @throws VitreousError for any other file, and for a damaged one
 */
export async function readTensors(source: ByteSource): Promise<ReadTensors> {
  if ((await kindOf(source)) === "zip") return openPytorch(source);
  return { tensors: await openSafetensors(source), notes: [] };
}
