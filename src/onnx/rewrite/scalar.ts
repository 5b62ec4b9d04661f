/** @file Constants of one element. */
import type { Tensor } from "../graph.js";
import { elementCount, tensorToNumbers } from "../tensor.js";

/** The number that a constant of one element holds, whatever its rank. */
export function scalarOf(tensor: Tensor | undefined): number | undefined {
  if (tensor === undefined || tensor.strings || tensor.dtype === "other" || elementCount(tensor.dims) !== 1) {
    return undefined;
  }
  return tensorToNumbers(tensor)[0];
}
