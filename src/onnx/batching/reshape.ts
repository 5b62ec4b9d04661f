/**
 * @file Where the batch goes when a tensor of one image is reshaped. In element order N stands after all axes outer
 * to it, so in the target it belongs to an axis before which there are just as many elements.
 */

/**
 * The target axis that takes N. The source's axis `axis` is k·N where it was k; shapes are those of one image.
 * Undefined where no axis of the target begins at that place.
 */
export function batchAxisAfter(
  source: readonly number[],
  axis: number,
  target: readonly number[],
): number | undefined {
  const outer = source.slice(0, axis).reduce((size, d) => size * d, 1);
  let before = 1;
  const candidates: number[] = [];
  for (const [i, d] of target.entries()) {
    if (before === outer) candidates.push(i);
    before *= d;
  }
  const extent = source[axis] ?? 1;
  // Axes of 1 make several places equal: the same one with the same extent is what was meant, else the same extent.
  if (candidates.includes(axis) && target[axis] === extent) return axis;
  return candidates.find((i) => target[i] === extent) ?? candidates[0];
}
