/**
 * @file Where the batch goes when a tensor of one image is reshaped. In element order N stands after some number of
 * elements outer to it; in the target it belongs where just as many stand before.
 */

/** Axis that holds the batch, and how many of its entries (for one image) are outer to N: 1 where N leads. */
export interface BatchPlace {
  readonly axis: number;
  readonly outer: number;
}

/** The place in `target` for a batch at `place` in `source` (shapes of one image); undefined where there is none. */
export function placeAfterReshape(
  source: readonly number[],
  place: BatchPlace,
  target: readonly number[],
): BatchPlace | undefined {
  const outer = source.slice(0, place.axis).reduce((size, d) => size * d, place.outer);
  const leading: number[] = [];
  let inside: BatchPlace | undefined;
  let before = 1;
  for (const [axis, d] of target.entries()) {
    if (before === outer) leading.push(axis);
    else if (outer % before === 0 && d % (outer / before) === 0 && before < outer && inside === undefined) {
      inside = { axis, outer: outer / before };
    }
    before *= d;
  }
  // Axes of 1 make several places equal: the same axis as before, unchanged, is what was meant.
  if (leading.includes(place.axis) && target[place.axis] === source[place.axis])
    return { axis: place.axis, outer: 1 };
  const [first] = leading;
  // Rows of a matrix take the batch, never its last axis: that holds the channels.
  if (first === undefined || (first === target.length - 1 && inside !== undefined)) return inside;
  return { axis: first, outer: 1 };
}
