/**
 * @file The main table, as in the paper: a row for each model and method, a column for each data set and metric, the
 * models' accuracy beside, controls below.
 */

import { titleOf } from "../../analysis/findings.js";
import type { CellGroup, MetricFacts, Standing, StudyAnalysis } from "../../analysis/types.js";
import { decimals, estimateCell, plain, type Table, type TableCell, type TableRow } from "./table.js";

export function faithfulnessTable(analysis: StudyAnalysis): Table {
  const { datasets, models, methods, metrics, cells, settings } = analysis;
  const percent = 100 * settings.level;
  return {
    name: "faithfulness",
    caption: `${analysis.title}: faithfulness of explanations`,
    columns: [
      { name: "Model", group: "", align: "left" },
      { name: "Method", group: "", align: "left" },
      ...datasets.flatMap(({ title }) => [
        { name: "Accuracy", group: title, align: "right" as const },
        ...metrics.map((m) => ({ name: heading(m), group: title, align: "right" as const })),
      ]),
    ],
    rows: [false, true].flatMap((control) => {
      const of = methods.filter((m) => m.control === control);
      return models
        .flatMap(({ id: model }) => of.flatMap(({ id }) => rowOf(analysis, model, id)))
        .map((row, i): TableRow => (control && i === 0 ? { ...row, section: "Controls" } : row));
    }),
    notes: [
      `Means over images with ${percent} % intervals (BCa bootstrap, whole groups resampled); accuracy with Wilson's.`,
      `Bold: significantly better than every other row of the column (${TESTS[settings.test]}, Holm's correction, α = ${settings.alpha}; controls apart). †: the best mean, or not told from it. ↑: higher is better, ↓: lower is better.`,
      ...parametersOf(metrics),
    ],
    numbers: {
      header: HEADER,
      rows: cells.map((cell) => [
        cell.dataset,
        cell.metric,
        directionOf(metrics, cell.metric),
        cell.model,
        cell.method,
        cell.control,
        cell.score.n,
        cell.score.groups,
        cell.undefinedScores.count,
        cell.score.mean,
        cell.score.interval?.[0] ?? null,
        cell.score.interval?.[1] ?? null,
        cell.spread?.deviation ?? null,
        cell.spread?.quantiles[2] ?? null,
        cell.relative?.mean ?? null,
        cell.standing,
      ]),
    },
  };
}

const HEADER = [
  "dataset",
  "metric",
  "direction",
  "model",
  "method",
  "control",
  "images",
  "groups",
  "undefined",
  "mean",
  "low",
  "high",
  "deviation",
  "median",
  "mean_over_p0",
  "standing",
];

const TESTS = { wilcoxon: "Wilcoxon's signed-rank test", permutation: "paired permutation test" } as const;

const heading = ({ title, direction }: MetricFacts): string =>
  `${title} ${direction === "higher" ? "↑" : "↓"}`;

/** What titles leave out. */
const parametersOf = (metrics: readonly MetricFacts[]): readonly string[] => {
  const given = metrics.filter((m) => !m.derived && m.id.toLowerCase() !== m.title.toLowerCase());
  return given.length === 0 ? [] : [`${given.map((m) => `${m.title}: ${m.id}`).join("; ")}.`];
};

const directionOf = (metrics: readonly MetricFacts[], id: string): string =>
  metrics.find((m) => m.id === id)?.direction ?? "";

/** Nothing where the model and method have no score at all. */
function rowOf(analysis: StudyAnalysis, model: string, method: string): readonly TableRow[] {
  const own = analysis.cells.filter((c) => c.model === model && c.method === method);
  if (own.length === 0) return [];
  const cells = analysis.datasets.flatMap(({ id }) => [
    accuracyCell(analysis, id, model),
    ...analysis.metrics.map((m) => scoreCell(own.find((c) => c.dataset === id && c.metric === m.id))),
  ]);
  return [{ cells: [plain(titleOf(analysis.models, model)), plain(method), ...cells] }];
}

const MARKED: readonly Standing[] = ["leading", "level"];

function scoreCell(cell: CellGroup | undefined): TableCell {
  if (cell === undefined) return plain(decimals(null));
  return {
    ...estimateCell(cell.score),
    ...(cell.standing === "best" ? { bold: true } : {}),
    ...(MARKED.includes(cell.standing) ? { mark: "†" } : {}),
  };
}

function accuracyCell({ accuracy }: StudyAnalysis, dataset: string, model: string): TableCell {
  const found = accuracy.find((a) => a.dataset === dataset && a.model === model);
  return estimateCell({ mean: found?.accuracy ?? null, interval: found?.interval ?? null });
}
