/** @file Ranks with ties at their mean, which every rank test starts from. */

export interface Ranking {
  /** 1 for the least value; tied values share the mean of their places. */
  readonly ranks: Float64Array;
  /** How many values each tie holds. */
  readonly ties: readonly number[];
}

/** Ranks of finite values (SciPy's `rankdata`). */
export function averageRanks(values: ArrayLike<number>): Ranking {
  const at = (i: number | undefined): number => values[i ?? 0] ?? 0;
  const order = Array.from(values, (_, i) => i).sort((i, j) => at(i) - at(j));
  const ranks = new Float64Array(values.length);
  const ties: number[] = [];
  for (let start = 0; start < order.length; ) {
    let end = start + 1;
    while (end < order.length && at(order[end]) === at(order[start])) end++;
    for (const i of order.slice(start, end)) ranks[i] = (start + 1 + end) / 2;
    if (end - start > 1) ties.push(end - start);
    start = end;
  }
  return { ranks, ties };
}
