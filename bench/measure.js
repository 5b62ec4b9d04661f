/** @file Two pieces of work in turns: machines are noisy, so medians of paired ratios, never seconds. */

/** @param {readonly number[]} numbers */
const median = (numbers) => {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
};

/** @param {() => Promise<unknown>} work @returns {Promise<number>} milliseconds */
async function time(work) {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

/**
 * Runs both in turns and gives the median of time(work)/time(plain) with the quartiles.
 * @param {() => Promise<unknown>} plain
 * @param {() => Promise<unknown>} work
 * @param {number} rounds
 */
export async function ratio(plain, work, rounds) {
  await plain();
  await work();
  const ratios = [];
  const times = [];
  for (let i = 0; i < rounds; i++) {
    const before = await time(plain);
    const middle = await time(work);
    const after = await time(plain);
    ratios.push(middle / ((before + after) / 2));
    times.push((before + after) / 2);
  }
  const sorted = [...ratios].sort((a, b) => a - b);
  const quartile = (/** @type {number} */ q) => (sorted[Math.round(q * (sorted.length - 1))] ?? 0).toFixed(2);
  return {
    text: `${median(ratios).toFixed(3)}  [${quartile(0.25)}, ${quartile(0.75)}]`,
    plain: median(times),
  };
}
