/**
 * @file A study's scores in, all that is said of them out. Rows are taken one by one, so that whoever writes them
 * elsewhere reads them once.
 */
import { countReasons } from "../../stats/summary.js";
import type { StoredStudy } from "../run/types.js";
import type { ScoreRow } from "../types.js";
import { accuracies, collectVerdicts, confusions } from "./accuracy.js";
import { agreements } from "./agreement.js";
import { answerOf } from "./answer.js";
import { type Collected, type CollectedDataset, type ScoreTable, scoreCollector } from "./collect.js";
import { type Column, compareColumn } from "./compare.js";
import { detectability } from "./detectability.js";
import { type EstimateSettings, estimate, spreadOf } from "./estimate.js";
import type { Findings } from "./findings.js";
import { metricFacts, withContrast } from "./metrics.js";
import { rankColumns } from "./ranking.js";
import { standings } from "./standing.js";
import type {
  CellGroup,
  DatasetFacts,
  MetricFacts,
  Standing,
  StudyAnalysis,
  UndefinedCount,
} from "./types.js";
import { warningsOf } from "./warnings.js";

/** What an analysis is made of. */
export type AnalysedStudy = Pick<StoredStudy, "declaration" | "datasets" | "failures" | "predictions">;

export interface RunningAnalysis {
  /** Rows by data set, model, method, metric and image. */
  add(row: ScoreRow): void;
  finish(): StudyAnalysis;
}

/** Analyses all rows of a study. */
export function analyse(study: AnalysedStudy & Pick<StoredStudy, "rows">): StudyAnalysis {
  const analysis = startAnalysis(study);
  for (const row of study.rows()) analysis.add(row);
  return analysis.finish();
}

/** The same for rows that are handed over one by one. */
export function startAnalysis(study: AnalysedStudy): RunningAnalysis {
  const collector = scoreCollector(study);
  return { add: collector.add, finish: () => analyseTable(study, collector.finish()) };
}

function analyseTable(study: AnalysedStudy, table: ScoreTable): StudyAnalysis {
  const { declaration, failures } = study;
  const settings: EstimateSettings = { ...declaration.statistics, seed: declaration.seed };
  const metrics = metricFacts(declaration.metrics);
  const columns = columnsOf(table, withContrast(table.cells, declaration.metrics), metrics);
  const analysed = columns.map((column) => analyseColumn(column, settings));
  const verdicts = collectVerdicts(study.predictions());
  const cells = analysed.flatMap((a) => a.cells);
  const measured = new Set(metrics.filter((m) => !m.derived).map((m) => m.id));
  const findings: Findings = {
    title: declaration.title,
    settings: { ...settings, class: declaration.class },
    datasets: datasetFacts(study, table.datasets),
    models: declaration.models.map(({ id, title }) => ({ id, title })),
    methods: table.methods,
    metrics,
    accuracy: accuracies(verdicts, settings.level),
    confusion: confusions(verdicts),
    cells,
    comparisons: analysed.flatMap((a) => a.comparisons),
    rankings: rankingsOf(columns, metrics, settings.alpha),
    agreements: agreements(
      table.datasets.map((d) => d.id),
      metrics,
      cells,
    ),
    detectability: analysed.flatMap((a) => a.detectability ?? []),
    undefinedScores: countAll(table.cells.filter((c) => measured.has(c.metric))),
    failures,
  };
  return { ...findings, answer: answerOf(findings), warnings: warningsOf(findings) };
}

function columnsOf(
  { datasets }: ScoreTable,
  cells: readonly Collected[],
  metrics: readonly MetricFacts[],
): readonly Column[] {
  return datasets.flatMap(({ id, groupOf }) =>
    metrics.flatMap((metric) => {
      const own = cells.filter((c) => c.dataset === id && c.metric === metric.id);
      const [rows, controls] = [own.filter((c) => !c.control), own.filter((c) => c.control)];
      return own.length === 0 ? [] : [{ dataset: id, metric, rows, controls, groupOf }];
    }),
  );
}

function analyseColumn(column: Column, settings: EstimateSettings) {
  const scores = column.rows.map((row) => estimate(row.values, column.groupOf, settings));
  const comparisons = compareColumn(column, settings);
  const places = standings(column, scores, comparisons);
  const cells = [
    ...column.rows.map((row, i) => cellGroup(row, column, settings, places[i] ?? "none", scores[i])),
    ...column.controls.map((row) => cellGroup(row, column, settings, "none")),
  ];
  const key = { dataset: column.dataset, metric: column.metric.id };
  return { cells, comparisons, detectability: detectability(key, scores, comparisons, settings) };
}

function cellGroup(
  cell: Collected,
  { groupOf }: Column,
  settings: EstimateSettings,
  standing: Standing,
  score = estimate(cell.values, groupOf, settings),
): CellGroup {
  const { dataset, model, method, control, metric, values, relative, correct, curve } = cell;
  const where = (right: boolean) =>
    correct.every((c) => c === null)
      ? null
      : estimate(
          values.map((v, i) => (correct[i] === right ? v : null)),
          groupOf,
          settings,
        );
  return {
    dataset,
    model,
    method,
    control,
    metric,
    score,
    values,
    spread: spreadOf(values),
    relative: relative === null ? null : estimate(relative, groupOf, settings),
    right: where(true),
    wrong: where(false),
    undefinedScores: countAll([cell]),
    standing,
    curve,
  };
}

function rankingsOf(columns: readonly Column[], metrics: readonly MetricFacts[], alpha: number) {
  return [
    ...columns.map((column) => rankColumns(column.dataset, [column], alpha)),
    ...metrics.flatMap((metric) => {
      const own = columns.filter((c) => c.metric.id === metric.id);
      return own.length < 2 ? [] : [rankColumns(null, own, alpha)];
    }),
  ];
}

function countAll(cells: readonly Collected[]): UndefinedCount {
  const all = cells.flatMap((c) => c.reasons.flatMap((reason) => (reason === null ? [] : [{ reason }])));
  return { count: all.length, reasons: countReasons(all) };
}

function datasetFacts(
  { datasets }: AnalysedStudy,
  collected: readonly CollectedDataset[],
): readonly DatasetFacts[] {
  return datasets.map(({ dataset, classes }, i) => {
    const { images = [], groupOf = [] } = collected[i] ?? {};
    return { id: dataset.id, title: dataset.title, images, groups: new Set(groupOf).size, classes };
  });
}
