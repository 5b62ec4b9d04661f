/** @file All figures of a study, drawn once: for the page, and as files of their own. */
import { measured, titleOf } from "../../../study/analysis/findings.js";
import type { CellGroup, ColumnKey, MetricFacts, StudyAnalysis } from "../../../study/analysis/types.js";
import { criticalDifferenceFigure } from "./critical-difference.js";
import { distributionFigure } from "./distribution.js";
import { type Figure, fileName, type MethodColors, methodColors } from "./figure.js";
import { meanCurvesFigure } from "./mean-curves.js";
import { meansFigure } from "./means.js";

export interface ColumnFigure extends ColumnKey, Figure {}

export interface StudyFigures {
  readonly means: readonly ColumnFigure[];
  readonly curves: readonly (ColumnFigure & { readonly model: string })[];
  readonly distributions: readonly ColumnFigure[];
  readonly rankings: readonly (Figure & { readonly dataset: string | null; readonly metric: string })[];
}

export const allFigures = ({ means, curves, distributions, rankings }: StudyFigures): readonly Figure[] => [
  ...means,
  ...curves,
  ...distributions,
  ...rankings,
];

/** Of methods, not controls. */
export const colorsOf = ({ methods }: Pick<StudyAnalysis, "methods">): MethodColors =>
  methodColors(methods.filter((m) => !m.control).map((m) => m.id));

export function studyFigures(analysis: StudyAnalysis): StudyFigures {
  return {
    means: meansOf(analysis),
    curves: curvesOf(analysis),
    distributions: distributionsOf(analysis),
    rankings: rankingsOf(analysis),
  };
}

/** "insertion, higher is better" */
export const metricLabel = ({ title, direction }: MetricFacts): string => `${title} (${direction} is better)`;

/** What happens along a curve, by the metric's name. */
export const shareLabel = (metric: string): string =>
  /^insertion/.test(metric)
    ? "pixels inserted"
    : /^deletion/.test(metric)
      ? "pixels deleted"
      : "pixels changed";

interface DrawnColumn extends ColumnKey {
  readonly metric: string;
  readonly facts: MetricFacts;
  /** "PBC" */
  readonly title: string;
  readonly cells: readonly CellGroup[];
}

/** Measured columns that have scores, methods before controls. */
function columnsOf(analysis: StudyAnalysis): readonly DrawnColumn[] {
  return analysis.datasets.flatMap(({ id: dataset, title }) =>
    measured(analysis).flatMap((facts) => {
      const own = analysis.cells.filter((c) => c.dataset === dataset && c.metric === facts.id);
      const cells = [...own.filter((c) => !c.control), ...own.filter((c) => c.control)];
      return cells.length === 0 ? [] : [{ dataset, metric: facts.id, facts, title, cells }];
    }),
  );
}

/** From the least to the largest of what is drawn of cells. */
function rangeOf(
  cells: readonly CellGroup[],
  drawn: (cell: CellGroup) => readonly (number | null)[],
): readonly [number, number] {
  const values = cells.flatMap((c) => drawn(c).flatMap((v) => v ?? []));
  const [low, high] = [Math.min(...values), Math.max(...values)];
  return low < high ? [low, high] : [low - 0.05, high + 0.05];
}

function meansOf(analysis: StudyAnalysis): readonly ColumnFigure[] {
  const columns = columnsOf(analysis);
  return columns.flatMap(({ dataset, metric, facts, title, cells }) => {
    const rows = cells.flatMap((c) => {
      const { mean, interval } = c.score;
      if (c.control || mean === null) return [];
      const random = cells.find((r) => r.control && r.model === c.model && r.method === "random");
      return [{ ...rowOf(analysis, c), mean, interval, random: random?.score.mean ?? null }];
    });
    if (rows.length === 0) return [];
    return [
      {
        dataset,
        metric,
        name: fileName("means", dataset, metric),
        description: `Mean ${facts.title} of each model and method on ${title} with its interval; the table below has the numbers.`,
        svg: meansFigure(rows, {
          xLabel: metricLabel(facts),
          colors: colorsOf(analysis),
          domain: rangeOf(
            columns.flatMap((c) => (c.metric === metric ? c.cells : [])),
            ({ score, control, method }) =>
              control && method !== "random" ? [] : [score.mean, ...(score.interval ?? [])],
          ),
        }),
      },
    ];
  });
}

function distributionsOf(analysis: StudyAnalysis): readonly ColumnFigure[] {
  const columns = columnsOf(analysis);
  return columns.flatMap(({ dataset, metric, facts, title, cells }) => {
    const rows = cells.flatMap((c) =>
      c.spread === null || c.score.mean === null || c.control
        ? []
        : [{ ...rowOf(analysis, c), values: c.values, spread: c.spread, mean: c.score.mean }],
    );
    if (rows.length === 0) return [];
    return [
      {
        dataset,
        metric,
        name: fileName("images", dataset, metric),
        description: `The ${facts.title} score of each image of ${title}, a row for each model and method, with median and quartiles.`,
        svg: distributionFigure(rows, {
          xLabel: metricLabel(facts),
          colors: colorsOf(analysis),
          domain: rangeOf(
            columns.flatMap((c) => (c.metric === metric ? c.cells : [])),
            ({ spread, control }) => (control ? [] : (spread?.quantiles ?? [])),
          ),
        }),
      },
    ];
  });
}

function curvesOf(analysis: StudyAnalysis): StudyFigures["curves"] {
  return columnsOf(analysis).flatMap(({ dataset, metric, facts, title, cells }) =>
    analysis.models.flatMap(({ id: model, title: modelTitle }) => {
      const curves = cells.flatMap((c) =>
        c.model !== model || c.curve === null || (c.control && c.method !== "random")
          ? []
          : [{ method: c.method, control: c.control, curve: c.curve }],
      );
      if (curves.length === 0) return [];
      const svg = meanCurvesFigure(curves, { xLabel: shareLabel(metric), colors: colorsOf(analysis) });
      const description = `Mean probability of the explained class along ${facts.title} for ${modelTitle} on ${title}: ${curves.map((c) => c.method).join(", ")}.`;
      return [{ dataset, metric, model, name: fileName("curves", dataset, model, metric), description, svg }];
    }),
  );
}

function rankingsOf(analysis: StudyAnalysis): StudyFigures["rankings"] {
  const shown = new Set(measured(analysis).map((m) => m.id));
  return analysis.rankings.flatMap(({ dataset, metric, entries, criticalDifference, cliques }) => {
    if (entries.length < 2 || !shown.has(metric)) return [];
    const where = dataset === null ? "all data sets" : titleOf(analysis.datasets, dataset);
    const rows = entries.map((e) => ({ label: `${titleOf(analysis.models, e.model)} · ${e.method}`, ...e }));
    const order = rows.map((r) => `${r.label} ${r.rank.toFixed(2)}`).join(", ");
    return [
      {
        dataset,
        metric,
        name: fileName("ranks", dataset ?? "all", metric),
        description: `Mean ranks by ${titleOf(analysis.metrics, metric)} on ${where}, best first: ${order}.`,
        svg: criticalDifferenceFigure({ rows, criticalDifference, cliques, colors: colorsOf(analysis) }),
      },
    ];
  });
}

const rowOf = (analysis: StudyAnalysis, { model, method }: CellGroup) => ({
  model: titleOf(analysis.models, model),
  method,
});
