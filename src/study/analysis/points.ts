/** @file What else a study found, a sentence each: methods by model, controls, agreement, accuracy. */
import { bestOf, columns, type Findings, type MeasuredColumn, titleOf } from "./findings.js";
import { isWin } from "./standing.js";
import type { CellGroup, Comparison } from "./types.js";
import { counted, percent } from "./words.js";

export const pointsOf = (findings: Findings): readonly string[] => [
  ...methodPoints(findings),
  ...controlPoints(findings),
  ...agreementPoints(findings),
  ...accuracyPoints(findings),
];

/** How often the commonest best method is best, over the models. */
function methodPoints(findings: Findings): readonly string[] {
  const methods = findings.methods.filter((m) => !m.control);
  if (methods.length < 2) return [];
  return byDataset(findings, "", (column) => {
    const best = [...new Set(column.cells.map((c) => c.model))].flatMap((model) => {
      const own = column.cells.filter((c) => c.model === model);
      const top = bestOf(findings, column.metric, own);
      return top === undefined || own.length < 2 ? [] : [{ top, others: own.length - 1 }];
    });
    const counts = methods.map((m) => ({ method: m.id, best: best.filter((b) => b.top.method === m.id) }));
    const most = counts.reduce((a, b) => (b.best.length > a.best.length ? b : a));
    if (most.best.length === 0) return [];
    const sure = most.best.filter(({ top, others }) => winsOf(findings, "methods", top).length === others);
    return [
      `by ${titleOf(findings.metrics, column.metric)} ${most.method} is the best method on ${most.best.length} of ${counted(best.length, "model")} (significantly on ${sure.length})`,
    ];
  });
}

/** Comparisons of a kind that the row wins significantly. */
const winsOf = ({ comparisons }: Findings, kind: Comparison["kind"], row: CellGroup): readonly Comparison[] =>
  comparisons.filter(
    (c) =>
      c.kind === kind &&
      c.dataset === row.dataset &&
      c.metric === row.metric &&
      (isWin(c, row, c.a) || isWin(c, row, c.b)),
  );

function controlPoints(findings: Findings): readonly string[] {
  return ["random", "center"].flatMap((control) =>
    byDataset(findings, `significantly better than a ${control} map are `, ({ dataset, metric, cells }) => {
      const tested = findings.comparisons.some(
        (c) =>
          c.kind === "controls" &&
          c.dataset === dataset &&
          c.metric === metric &&
          c.b.method === control &&
          c.test !== null,
      );
      const better = cells.filter((row) =>
        winsOf(findings, "controls", row).some((c) => c.b.method === control),
      );
      return tested
        ? [`${better.length} of ${counted(cells.length, "row")} by ${titleOf(findings.metrics, metric)}`]
        : [];
    }),
  );
}

/** "On PBC, … by insertion; … by deletion." for each data set of which there is something to say. */
function byDataset(
  findings: Findings,
  start: string,
  say: (column: MeasuredColumn) => readonly string[],
): readonly string[] {
  return findings.datasets.flatMap(({ id, title }) => {
    const parts = columns(findings)
      .filter((c) => c.dataset === id)
      .flatMap(say);
    return parts.length === 0 ? [] : [`On ${title}, ${start}${parts.join("; ")}.`];
  });
}

function agreementPoints(findings: Findings): readonly string[] {
  return findings.agreements.flatMap(({ kind, within, a, b, n, kendall }) => {
    if (kendall === null || n < 3 || findings.metrics.some((m) => m.derived && m.id === within)) return [];
    const how =
      kendall.value >= 0.6
        ? "much alike"
        : kendall.value >= 0.2
          ? "somewhat alike"
          : kendall.value > -0.2
            ? "without any agreement"
            : "contrarily";
    const [of, by] =
      kind === "metrics" ? [findings.metrics, findings.datasets] : [findings.datasets, findings.metrics];
    const name = (id: string): string => titleOf(of, id);
    const where = `${kind === "metrics" ? "on" : "by"} ${titleOf(by, within)}`;
    return [
      `${name(a)} and ${name(b)} order the ${n} rows ${how} ${where} (Kendall τ ${kendall.value.toFixed(2).replace("-", "−")}).`,
    ];
  });
}

function accuracyPoints(findings: Findings): readonly string[] {
  return findings.datasets.flatMap(({ id, title }) => {
    const known = findings.accuracy.flatMap((a) =>
      a.dataset === id && a.accuracy !== null
        ? [{ model: a.model, share: a.accuracy, interval: a.interval }]
        : [],
    );
    if (known.length === 0) return [];
    const each = known.map(({ model, share, interval }) => {
      const range = interval === null ? "" : ` (${percent(interval[0])} to ${percent(interval[1])})`;
      return `${titleOf(findings.models, model)} ${percent(share)}${range}`;
    });
    return [`Share of images classified rightly on ${title}: ${each.join(", ")}.`];
  });
}
