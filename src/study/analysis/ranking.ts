/** @file All rows of a column at once: do they differ at all, and which cannot be told apart (Friedman, Nemenyi). */
import { type FriedmanTest, friedman } from "../../stats/friedman.js";
import { nemenyi } from "../../stats/nemenyi.js";
import { isUndefined } from "../../stats/outcome.js";
import type { Collected } from "./collect.js";
import type { Column } from "./compare.js";
import { sameRow } from "./standing.js";
import type { Ranking, RowKey } from "./types.js";

/**
 * Mean ranks of the rows over groups of images, one column's or those of one metric on several data sets together; rows
 * that have no score in one of the columns are left out.
 *
 * @param columns of one metric
 */
export function rankColumns(dataset: string | null, columns: readonly Column[], alpha: number): Ranking {
  const [column] = columns;
  const rows: readonly RowKey[] = (column?.rows ?? [])
    .filter((row) => columns.every((c) => c.rows.some((other) => sameRow(other, row) && scored(other))))
    .map(({ model, method }) => ({ model, method }));
  const metric = column?.metric ?? { id: "", direction: "higher" as const };
  const blocks = columns.flatMap((c) => blocksOf(c, rows));
  const test = friedman(blocks, metric.direction);
  const base = { dataset, metric: metric.id, blocks: blocks.length };
  if (isUndefined(test)) {
    return {
      ...base,
      entries: [],
      friedman: null,
      criticalDifference: null,
      cliques: [],
      reason: test.reason,
    };
  }
  const entries = rows
    .map((row, i) => ({ ...row, rank: test.meanRanks[i] ?? 0, i }))
    .sort((a, b) => a.rank - b.rank || a.i - b.i);
  const { criticalDifference, groups } = nemenyi(test, alpha);
  return {
    ...base,
    entries: entries.map(({ model, method, rank }) => ({ model, method, rank })),
    friedman: friedmanResult(test),
    criticalDifference,
    cliques: groups.map((group) => {
      const places = group.map((i) => entries.findIndex((e) => e.i === i));
      return [Math.min(...places), Math.max(...places)];
    }),
  };
}

const scored = ({ values }: Collected): boolean => values.some((v) => v !== null);

function friedmanResult({ chiSquared, f, w }: FriedmanTest) {
  const { statistic, df, p } = chiSquared;
  return { statistic, df, p: isUndefined(f) ? p : f.p, w };
}

/** [groups][rows]: means over the images of a group in which every row has a score. */
function blocksOf(column: Column, rows: readonly RowKey[]): readonly (readonly number[])[] {
  const cells = rows.map((row) => column.rows.find((cell) => sameRow(cell, row)));
  const byGroup = new Map<string, { readonly sums: number[]; n: number }>();
  column.groupOf.forEach((group, i) => {
    const values = cells.map((cell) => cell?.values[i] ?? null);
    if (!values.every((v) => v !== null)) return;
    const block = byGroup.get(group) ?? { sums: values.map(() => 0), n: 0 };
    byGroup.set(group, { sums: block.sums.map((s, k) => s + (values[k] ?? 0)), n: block.n + 1 });
  });
  return [...byGroup.values()].map(({ sums, n }) => sums.map((s) => s / n));
}
