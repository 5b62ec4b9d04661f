/**
 * @file The transpose of reading an axis at constant positions, without scattering: every element of the source
 * gathers what was read from it.
 */
import type { Emitter } from "./emitter.js";

/**
 * Gradient of x in y = x[positions] along `axis`, where x has extent `size` there and `value` is the gradient of y.
 * Elements read several times receive the sum, those never read receive zero.
 */
export function sumAt(
  emit: Emitter,
  value: string,
  rank: number,
  axis: number,
  positions: readonly number[],
  size: number,
): string {
  const readers: number[][] = Array.from({ length: size }, () => []);
  for (const [reader, position] of positions.entries()) readers[position]?.push(reader);
  const most = Math.max(1, ...readers.map((list) => list.length));
  const holes = readers.some((list) => list.length < most);
  // One element of zeros behind the others stands for "nobody".
  const nobody = positions.length;
  const padded = holes ? emit.pad(value, rank, axis, 0, 1) : value;
  const table = readers.flatMap((list) => Array.from({ length: most }, (_, i) => list[i] ?? nobody));
  const gathered = emit.gather(padded, table, most === 1 ? [size] : [size, most], axis);
  return most === 1 ? gathered : emit.reduceSum(gathered, [axis + 1], false);
}

/** Start of the run if the positions are consecutive and ascending, else undefined. */
export function runStart(positions: readonly number[]): number | undefined {
  const start = positions[0];
  return start !== undefined && positions.every((position, i) => position === start + i) ? start : undefined;
}
