/**
 * @file Python's rounding, which decides where a crop of odd difference lies.
 */

/** Python's round(): half to even. */
export function roundHalfEven(x: number): number {
  const low = Math.floor(x);
  if (x - low !== 0.5) return Math.round(x);
  return low % 2 === 0 ? low : low + 1;
}
