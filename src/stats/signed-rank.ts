/** @file The exact null distribution of Wilcoxon's signed-rank statistic, ties and all. */

/**
 * P(W ≤ w), W being the sum of those of `ranks` whose fair coin falls on heads. Ranks are multiples of ½, as mean
 * ranks are; so ties are exact too. Time grows with the cube of their number.
 */
export function signedRankLowerTail(ranks: ArrayLike<number>, w: number): number {
  let total = 0;
  let chance = new Float64Array([1]);
  for (let i = 0; i < ranks.length; i++) {
    const step = 2 * (ranks[i] ?? 0);
    total += step;
    const next = new Float64Array(total + 1);
    chance.forEach((p, sum) => {
      next[sum] = (next[sum] ?? 0) + p / 2;
      next[sum + step] = (next[sum + step] ?? 0) + p / 2;
    });
    chance = next;
  }
  let tail = 0;
  for (let sum = 0; sum <= 2 * w; sum++) tail += chance[sum] ?? 0;
  return tail;
}
