/** @file Checkpoints of zeros, for tests of what an architecture takes and refuses. */
import { elementCount, float32Tensor } from "../../onnx/tensor.js";
import { type StoredTensors, storedTensors } from "../stored-tensor.js";

/** Name → shape; undefined for a tensor that is not there. */
export type Shapes = Readonly<Record<string, readonly number[] | undefined>>;

export function zeros(shapes: Shapes): StoredTensors {
  const named = Object.entries(shapes).flatMap(([name, dims]) =>
    dims === undefined ? [] : [[name, float32Tensor(dims, new Float32Array(elementCount(dims)))] as const],
  );
  return storedTensors(new Map(named));
}
