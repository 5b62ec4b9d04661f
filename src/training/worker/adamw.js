/**
 * @file AdamW (Loshchilov & Hutter 2019) as torch.optim.AdamW computes it, in one pass over the arrays: what it costs is
 * memory traffic, and separate passes for clipping, moments, decay and step would pay it again and again. Plain
 * JavaScript, because it runs in the worker.
 */

/**
 * @typedef {object} Moments all of one length
 * @property {Float32Array} parameters
 * @property {Float32Array} gradients
 * @property {Float32Array} first running mean of the gradients
 * @property {Float32Array} second running mean of their squares
 */

/**
 * @typedef {object} AdamW
 * @property {number} learningRate
 * @property {number} decay decoupled: weights shrink by learningRate · decay; 0 for none
 * @property {number} beta1
 * @property {number} beta2
 * @property {number} epsilon added behind the square root
 * @property {number} updates how many there have been with this one: corrects the moments' bias
 * @property {number} scale of the gradients, by which they are clipped
 */

/**
 * Changes parameters and moments of elements [from, to). Computed in double precision, kept in float32.
 *
 * @param {Moments} arrays
 * @param {number} from
 * @param {number} to
 * @param {AdamW} options
 */
export function adamw({ parameters, gradients, first, second }, from, to, options) {
  const { learningRate, decay, beta1, beta2, epsilon, updates, scale } = options;
  const keep = 1 - learningRate * decay;
  const size = learningRate / (1 - beta1 ** updates);
  const root = 1 / Math.sqrt(1 - beta2 ** updates);
  const [share1, share2] = [1 - beta1, 1 - beta2];
  for (let i = from; i < to; i++) {
    const g = /** @type {number} */ (gradients[i]) * scale;
    const m0 = /** @type {number} */ (first[i]);
    const m = m0 + (g - m0) * share1;
    const v = /** @type {number} */ (second[i]) * beta2 + g * g * share2;
    first[i] = m;
    second[i] = v;
    parameters[i] =
      /** @type {number} */ (parameters[i]) * keep - (size * m) / (Math.sqrt(v) * root + epsilon);
  }
}
