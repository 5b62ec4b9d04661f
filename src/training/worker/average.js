/** @file The running average of the weights (timm's ModelEma). Plain JavaScript for the worker. */

/**
 * averages ← decay·averages + (1 − decay)·parameters.
 *
 * @param {Float32Array} averages
 * @param {Float32Array} parameters
 * @param {number} decay
 */
export function average(averages, parameters, decay) {
  const share = 1 - decay;
  for (let i = 0; i < averages.length; i++) {
    const old = averages[i] ?? 0;
    averages[i] = old + ((parameters[i] ?? 0) - old) * share;
  }
}
