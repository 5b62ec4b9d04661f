/** @file What is made of a study's store: scores, tables and the report as files, the answer and the means on the terminal. */
import { shownCollector } from "../report/study/node/collect-shown.js";
import { writeReport } from "../report/study/node/write-report.js";
import type { StudyAnalysis } from "../study/analysis/types.js";
import { readStudy } from "../study/node/read-study.js";
import { writeResults } from "../study/results/node/write-results.js";
import { VERSION } from "../version.js";
import { table } from "./format.js";

/**
 * Scores, tables, figures and the report. The rows are read once for all of them.
 *
 * @throws VitreousError where there is no study, or its files cannot be written
 */
export async function writeOutputs(folder: string): Promise<StudyAnalysis> {
  const study = readStudy(folder);
  const shown = shownCollector(study);
  const rows = function* () {
    for (const row of study.rows()) {
      shown.add(row);
      yield row;
    }
  };
  const analysis = await writeResults(folder, { ...study, rows });
  await writeReport(folder, { analysis, study, version: VERSION, ...(await shown.finish()) });
  return analysis;
}

/** For programs: the answer, and every mean with its interval. */
export function outputsRecord({ answer, warnings, cells }: StudyAnalysis) {
  return {
    answer: { headline: answer.headline, confidence: answer.confidence, points: answer.points },
    warnings,
    means: cells.map(({ dataset, model, method, control, metric, score, standing }) => ({
      dataset,
      model,
      method,
      control,
      metric,
      ...score,
      standing,
    })),
  };
}

export function outputsText({ answer, warnings, cells, metrics }: StudyAnalysis): string {
  const columns = [...new Map(cells.map((c) => [JSON.stringify([c.dataset, c.metric]), c])).values()];
  const rows = [...new Map(cells.map((c) => [JSON.stringify([c.model, c.method]), c])).values()];
  const named = new Map(metrics.map((m) => [m.id, `${m.title} (${m.direction})`]));
  const heading = columns.map(({ dataset, metric }) => `${dataset} ${named.get(metric)}`);
  const means = rows.map(({ model, method }) => [
    model,
    method,
    ...columns.map(({ dataset, metric }) => {
      const cell = cells.find(
        (c) => c.model === model && c.method === method && c.dataset === dataset && c.metric === metric,
      );
      const { mean = null, interval = null } = cell?.score ?? {};
      if (mean === null) return "–";
      return `${mean.toFixed(3)}${interval === null ? "" : ` [${interval.map((v) => v.toFixed(3)).join(", ")}]`}`;
    }),
  ]);
  return [
    table([["model", "map", ...heading], ...means]),
    "",
    answer.headline,
    ...answer.points,
    ...warnings.map((warning) => `warning: ${warning}`),
  ].join("\n");
}
