/** @file Two pieces of work in turns: machines are noisy, so medians of paired ratios, never seconds. */

/** @param {readonly number[]} numbers */
export const median = (numbers) => {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
};

/**
 * @param {() => Promise<unknown>} work
 * @param {number} rest
 * @returns {Promise<{ wall: number, cpu: number }>} milliseconds, and those of all threads of this process
 */
async function time(work, rest) {
  if (rest > 0) await new Promise((resolve) => setTimeout(resolve, rest));
  const start = performance.now();
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return { wall: performance.now() - start, cpu: (user + system) / 1000 };
}

/**
 * Runs both in turns and gives the median of time(work)/time(plain) with the quartiles, both medians in milliseconds, and
 * the median ratio of processor time, which others on the machine disturb less; of what is done in this process alone.
 * @param {() => Promise<unknown>} plain
 * @param {() => Promise<unknown>} work
 * @param {number} rounds
 * @param {number} rest milliseconds before each turn that do not count: in which the other's threads come to rest
 */
export async function ratio(plain, work, rounds, rest = 0) {
  await plain();
  await work();
  const ratios = [];
  const cpus = [];
  const times = [];
  const works = [];
  for (let i = 0; i < rounds; i++) {
    const before = await time(plain, rest);
    const middle = await time(work, rest);
    const after = await time(plain, rest);
    const wall = (before.wall + after.wall) / 2;
    ratios.push(middle.wall / wall);
    cpus.push(middle.cpu / ((before.cpu + after.cpu) / 2));
    times.push(wall);
    works.push(middle.wall);
  }
  const sorted = [...ratios].sort((a, b) => a - b);
  const quartile = (/** @type {number} */ q) => (sorted[Math.round(q * (sorted.length - 1))] ?? 0).toFixed(2);
  return {
    median: median(ratios),
    cpu: median(cpus),
    text: `${median(ratios).toFixed(3)}  [${quartile(0.25)}, ${quartile(0.75)}]`,
    plain: median(times),
    work: median(works),
  };
}
