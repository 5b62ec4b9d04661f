/** @file What sentences are put together from, and what rows, models and data sets are called in them. */
import type { CellGroup, RowKey, StudyAnalysis } from "./types.js";

/** All that was found, before anything is said of it. */
export type Findings = Omit<StudyAnalysis, "answer" | "warnings">;

/** "DINO with grad-cam" */
export function nameOf({ models }: Pick<Findings, "models">, { model, method }: RowKey): string {
  return `${titleOf(models, model)} with ${method}`;
}

export const titleOf = (
  entries: readonly { readonly id: string; readonly title: string }[],
  id: string,
): string => entries.find((e) => e.id === id)?.title ?? id;

/** The metrics that were measured, not derived. */
export const measured = ({ metrics }: Findings) => metrics.filter((m) => !m.derived);

export interface MeasuredColumn {
  readonly dataset: string;
  readonly metric: string;
  readonly cells: readonly CellGroup[];
}

/** The measured columns with their rows that have a mean. */
export function columns(findings: Findings): readonly MeasuredColumn[] {
  return findings.datasets.flatMap(({ id: dataset }) =>
    measured(findings).map(({ id: metric }) => ({
      dataset,
      metric,
      cells: findings.cells.filter(
        (c) => c.dataset === dataset && c.metric === metric && !c.control && c.score.mean !== null,
      ),
    })),
  );
}

/** The row with the best mean by the metric. */
export function bestOf(
  { metrics }: Findings,
  metric: string,
  cells: readonly CellGroup[],
): CellGroup | undefined {
  const sign = metrics.find((m) => m.id === metric)?.direction === "lower" ? -1 : 1;
  return [...cells].sort((a, b) => sign * ((b.score.mean ?? 0) - (a.score.mean ?? 0)))[0];
}
