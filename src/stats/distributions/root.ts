/** @file The root of a monotone function, for quantiles and sample sizes. */

/**
 * Where a function that falls from above `target` at 0 to below it crosses `target`: halved until two neighbouring
 * numbers are left, so that no tolerance has to be chosen.
 */
export function fallingTo(target: number, f: (x: number) => number): number {
  let high = 1;
  while (f(high) > target) {
    high *= 2;
    if (high === Number.POSITIVE_INFINITY) throw new Error("the function does not fall to its target");
  }
  let low = high === 1 ? 0 : high / 2;
  for (;;) {
    const middle = (low + high) / 2;
    if (middle <= low || middle >= high) return middle;
    if (f(middle) > target) low = middle;
    else high = middle;
  }
}
