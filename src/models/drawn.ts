/**
 * @file Where new weights come from. Each tensor has a stream of random numbers of its own, from the seed and its name:
 * what else is drawn does not change it.
 */
import { elementCount } from "../onnx/tensor.js";
import { mix, normal, uniform } from "../random.js";
import { given } from "./derived.js";
import type { StoredTensor } from "./stored-tensor.js";

/** Where torch's trunc_normal_ cuts, by default; not in standard deviations. */
const CUT = 2;

/** FNV-1a of a name, mixed with the seed. */
function seedOf(name: string, seed: number): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193);
  return mix(hash >>> 0, seed);
}

/** Normal numbers of mean 0, none beyond ±2. */
export function truncatedNormal(
  name: string,
  dims: readonly number[],
  deviation: number,
  seed: number,
): StoredTensor {
  const next = normal(seedOf(name, seed));
  const draw = (): number => {
    for (;;) {
      const value = next() * deviation;
      if (Math.abs(value) <= CUT) return value;
    }
  };
  return given(dims, Float32Array.from({ length: elementCount(dims) }, draw));
}

/** Numbers drawn evenly from [−bound, bound). */
export function evenlyDrawn(
  name: string,
  dims: readonly number[],
  bound: number,
  seed: number,
): StoredTensor {
  const next = uniform(seedOf(name, seed));
  return given(
    dims,
    Float32Array.from({ length: elementCount(dims) }, () => bound * (2 * next() - 1)),
  );
}
