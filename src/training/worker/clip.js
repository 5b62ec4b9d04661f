/** @file The gradient's global norm, and how much of it is left (torch.nn.utils.clip_grad_norm_). Plain JavaScript for the worker. */

/** clip_grad_norm_ keeps the division finite with it. */
const TINY = 1e-6;

/**
 * Euclidean norm, summed in double precision in a fixed order, so that it has the same bits each time.
 *
 * @param {Float32Array} gradients
 */
export function normOf(gradients) {
  const { length } = gradients;
  const whole = length - (length % 4);
  let [a, b, c, d] = [0, 0, 0, 0];
  // Four sums: one would wait for itself at every addition.
  for (let i = 0; i < whole; i += 4) {
    const w = /** @type {number} */ (gradients[i]);
    const x = /** @type {number} */ (gradients[i + 1]);
    const y = /** @type {number} */ (gradients[i + 2]);
    const z = /** @type {number} */ (gradients[i + 3]);
    a += w * w;
    b += x * x;
    c += y * y;
    d += z * z;
  }
  for (let i = whole; i < length; i++) {
    const w = gradients[i] ?? 0;
    a += w * w;
  }
  return Math.sqrt(a + b + c + d);
}

/**
 * What the gradients are multiplied by.
 *
 * @param {number} norm
 * @param {number | undefined} largest
 */
export const clipScale = (norm, largest) =>
  largest === undefined ? 1 : Math.min(largest / (norm + TINY), 1);
