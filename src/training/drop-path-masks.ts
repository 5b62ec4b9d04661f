/** @file Which residual branches a step skips for which image (stochastic depth, Huang et al. 2016), drawn by seed and step. */
import { mix, uniform } from "../random.js";

/**
 * Factors [keep.length, batch] of the branches: 1 / keep where one is kept, else 0, each image by itself
 * (timm's `drop_path` with scale_by_keep). A resumed training draws the same.
 *
 * @param part which of the step's batches, where gradients are accumulated
 */
export function dropPathMasks(
  keep: readonly number[],
  batch: number,
  { seed, step, part }: { readonly seed: number; readonly step: number; readonly part: number },
): Float32Array {
  const next = uniform(mix(part, mix(step, seed)));
  const masks = new Float32Array(keep.length * batch);
  for (const [branch, probability] of keep.entries()) {
    for (let i = 0; i < batch; i++) masks[branch * batch + i] = next() < probability ? 1 / probability : 0;
  }
  return masks;
}
