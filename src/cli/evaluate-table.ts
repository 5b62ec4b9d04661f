/** @file The means of `evaluate` on the terminal: a row for each map, a column for each metric. */
import { table } from "./format.js";
import type { SummaryRow } from "./summary.js";

export function summaryTable(rows: readonly SummaryRow[]): string {
  const metrics = [...new Map(rows.map((r) => [r.metric, r.direction]))];
  const maps = [...new Map(rows.map((r) => [JSON.stringify([r.method, r.of]), r])).values()];
  const cell = (row: SummaryRow, metric: string): string => {
    const found = rows.find((r) => r.method === row.method && r.of === row.of && r.metric === metric);
    if (found?.mean === undefined) return "–";
    const ci = found.ci === undefined ? "" : ` [${found.ci.map((v) => v.toFixed(3)).join(", ")}]`;
    return `${found.mean.toFixed(4)}${ci}`;
  };
  const heading = ["map", ...metrics.map(([m, d]) => `${m} (${d} is better)`), "n"];
  return table([
    heading,
    ...maps.map((row) => [
      row.of === undefined ? row.method : `${row.method} ${row.of}`,
      ...metrics.map(([m]) => cell(row, m)),
      String(row.n),
    ]),
  ]);
}
