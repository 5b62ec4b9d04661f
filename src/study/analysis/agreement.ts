/** @file Whether metrics, and data sets, order the rows alike: a ranking that hangs on the metric is a finding too. */
import type { RankCorrelation } from "../../stats/correlation.js";
import { kendallTau } from "../../stats/kendall.js";
import { isUndefined, type Outcome } from "../../stats/outcome.js";
import { spearmanRho } from "../../stats/spearman.js";
import { sameRow } from "./standing.js";
import type { Agreement, CellGroup, MetricFacts } from "./types.js";

/** Agreement of every two measured metrics on each data set, and of every two data sets by each metric. */
export function agreements(
  datasets: readonly string[],
  metrics: readonly MetricFacts[],
  cells: readonly CellGroup[],
): readonly Agreement[] {
  const rows = cells.filter((c) => !c.control);
  const on = (dataset: string, metric: MetricFacts): Side => ({
    rows: rows.filter((c) => c.dataset === dataset && c.metric === metric.id),
    sign: metric.direction === "higher" ? 1 : -1,
  });
  const measured = metrics.filter((m) => !m.derived);
  return [
    ...datasets.flatMap((dataset) =>
      twos(measured).map(([a, b]) =>
        agree({ kind: "metrics", within: dataset, a: a.id, b: b.id }, on(dataset, a), on(dataset, b)),
      ),
    ),
    ...metrics.flatMap((metric) =>
      twos(datasets).map(([a, b]) =>
        agree({ kind: "datasets", within: metric.id, a, b }, on(a, metric), on(b, metric)),
      ),
    ),
  ];
}

interface Side {
  readonly rows: readonly CellGroup[];
  /** Makes the better the larger. */
  readonly sign: 1 | -1;
}

function agree(head: Pick<Agreement, "kind" | "within" | "a" | "b">, left: Side, right: Side): Agreement {
  const both = left.rows.flatMap((row) => {
    const other = right.rows.find((r) => sameRow(r, row));
    const [x, y] = [row.score.mean, other?.score.mean ?? null];
    return x === null || y === null ? [] : [{ x: left.sign * x, y: right.sign * y }];
  });
  const xs = both.map(({ x }) => x);
  const ys = both.map(({ y }) => y);
  const [kendall, spearman] = [kendallTau(xs, ys), spearmanRho(xs, ys)];
  return {
    ...head,
    n: both.length,
    kendall: result(kendall),
    spearman: result(spearman),
    ...(isUndefined(kendall) ? { reason: kendall.reason } : {}),
  };
}

const result = (correlation: Outcome<RankCorrelation>) =>
  isUndefined(correlation) ? null : { value: correlation.coefficient, p: correlation.p };

const twos = <T>(items: readonly T[]): readonly (readonly [T, T])[] =>
  items.flatMap((a, i) => items.slice(i + 1).map((b) => [a, b] as const));
