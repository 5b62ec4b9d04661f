/** @file What a row's place in its column is worth: bold type says "significantly better than all others", no less. */
import type { Column } from "./compare.js";
import type { Comparison, Estimate, RowKey, Standing } from "./types.js";

export const sameRow = (a: RowKey, b: RowKey): boolean => a.model === b.model && a.method === b.method;

/** The standing of each row of a column, in the order of its rows. `scores` are those of the rows. */
export function standings(
  { rows, metric }: Column,
  scores: readonly Estimate[],
  comparisons: readonly Comparison[],
): readonly Standing[] {
  const sign = metric.direction === "higher" ? 1 : -1;
  const ranked = rows
    .map((row, i) => ({ row, mean: scores[i]?.mean ?? null }))
    .filter((r) => r.mean !== null)
    .sort((a, b) => sign * ((b.mean ?? 0) - (a.mean ?? 0)));
  const [first, ...others] = ranked;
  const beaten = (row: RowKey): boolean =>
    first !== undefined && comparisons.some((c) => c.kind === "rows" && isWin(c, first.row, row));
  return rows.map((row, i) => {
    if (first === undefined || (scores[i]?.mean ?? null) === null) return "none";
    if (others.length === 0) return "alone";
    if (row !== first.row) return beaten(row) ? "worse" : "level";
    return others.every((other) => beaten(other.row)) ? "best" : "leading";
  });
}

/** Whether the comparison is of these two and finds the first significantly better. */
export function isWin({ a, b, better, test }: Comparison, winner: RowKey, loser: RowKey): boolean {
  if (test?.significant !== true) return false;
  return (
    (better === "a" && sameRow(a, winner) && sameRow(b, loser)) ||
    (better === "b" && sameRow(b, winner) && sameRow(a, loser))
  );
}
