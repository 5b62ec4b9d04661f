/**
 * @file Inputs that TypeScript and Python (test/oracle/bundled_model.py) make alike, so that goldens of large
 * models need not carry them.
 */

/** Numerical Recipes' 32-bit linear congruential generator, in [−1, 1). */
function lcg(seed: number, count: number): Float64Array {
  let state = seed >>> 0;
  return Float64Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  });
}

/** [3, size, size]: squares of one colour each, with noise. `cell` divides `size`. */
export function syntheticInput(seed: number, size = 224, cell = 16): Float32Array {
  const cells = size / cell;
  const coarse = lcg(seed, 3 * cells * cells);
  const noise = lcg(seed + 1, 3 * size * size);
  return Float32Array.from(noise, (fine, i) => {
    const [c, y, x] = [Math.floor(i / size ** 2), Math.floor(i / size) % size, i % size];
    const square = coarse[(c * cells + Math.floor(y / cell)) * cells + Math.floor(x / cell)] ?? 0;
    return square * 0.75 + fine * 0.25;
  });
}
