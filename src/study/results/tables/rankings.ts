/** @file Mean ranks of the rows with what a critical-difference diagram shows. */
import { titleOf } from "../../analysis/findings.js";
import type { Ranking, StudyAnalysis } from "../../analysis/types.js";
import { decimals, plain, pValue, type Table } from "./table.js";

export function rankingTable(analysis: StudyAnalysis): Table {
  const { title, rankings, datasets, metrics, models, settings } = analysis;
  const where = ({ dataset }: Ranking): string => (dataset === null ? "all" : titleOf(datasets, dataset));
  return {
    name: "rankings",
    caption: `${title}: mean ranks over images`,
    columns: [
      { name: "Model", align: "left" },
      { name: "Method", align: "left" },
      { name: "Mean rank", align: "right" },
    ],
    rows: rankings.flatMap((ranking) =>
      ranking.entries.map((entry, i) => ({
        ...(i === 0
          ? { section: `${where(ranking)}, ${titleOf(metrics, ranking.metric)}: ${said(ranking)}` }
          : {}),
        cells: [plain(titleOf(models, entry.model)), plain(entry.method), plain(decimals(entry.rank, 2))],
      })),
    ),
    notes: [
      `Rank 1 is best. p: Friedman's test, by Iman and Davenport's F. CD: Nemenyi's critical difference; rows whose mean ranks differ by less cannot be told apart (α = ${settings.alpha}).`,
      ...rankings.flatMap((r) =>
        r.reason === undefined
          ? []
          : [`${where(r)} by ${titleOf(metrics, r.metric)} is not ranked: ${r.reason}.`],
      ),
    ],
    numbers: {
      header: [
        "dataset",
        "metric",
        "model",
        "method",
        "mean_rank",
        "groups",
        "chi_squared",
        "df",
        "p",
        "kendall_w",
        "critical_difference",
      ],
      rows: rankings.flatMap((r) =>
        r.entries.map((e) => [
          r.dataset,
          r.metric,
          e.model,
          e.method,
          e.rank,
          r.blocks,
          r.friedman?.statistic ?? null,
          r.friedman?.df ?? null,
          r.friedman?.p ?? null,
          r.friedman?.w ?? null,
          r.criticalDifference,
        ]),
      ),
    },
  };
}

const said = ({ blocks, friedman, criticalDifference }: Ranking): string =>
  `${blocks} groups, p ${pValue(friedman?.p ?? null)}, CD ${decimals(criticalDifference, 2)}`;
