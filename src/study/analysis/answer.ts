/**
 * @file The study's question answered in words, from the same numbers as the table: which model and method is most
 * faithful, on which data, and how sure that is.
 */
import { type Findings, measured, nameOf, titleOf } from "./findings.js";
import { pointsOf } from "./points.js";
import { sameRow } from "./standing.js";
import type { Answer, Confidence, DatasetAnswer, RowKey } from "./types.js";
import { counted, decimal, listed, listedUpTo } from "./words.js";

export function answerOf(findings: Findings): Answer {
  const datasets = findings.datasets.map(({ id }) => datasetAnswer(findings, id));
  return {
    question: "Which model and which method give the most faithful explanations, and how sure is that?",
    headline: headline(findings, datasets),
    confidence: weakest(datasets.map((d) => d.confidence)),
    points: pointsOf(findings),
    datasets,
  };
}

const ORDER: readonly Confidence[] = ["open", "partial", "clear"];
const weakest = (all: readonly Confidence[]): Confidence => ORDER.find((c) => all.includes(c)) ?? "open";

function datasetAnswer(findings: Findings, dataset: string): DatasetAnswer {
  const metrics = measured(findings);
  const cells = findings.cells.filter((c) => c.dataset === dataset && !c.control && c.score.mean !== null);
  const ranked = rankedRows(findings, dataset);
  const [first] = ranked;
  const title = titleOf(findings.datasets, dataset);
  const only = first ?? cells[0];
  const rows = Math.max(ranked.length, new Set(cells.map((c) => nameOf(findings, c))).size);
  if (only === undefined || (first === undefined && rows !== 1)) {
    const sentence = `On ${title}, no model and method has scores by ${listed(metrics.map((m) => m.title))} that could be ranked.`;
    return { dataset, winner: null, meanRank: null, rows, confidence: "open", rivals: [], sentence };
  }
  const winner = { model: only.model, method: only.method };
  const own = metrics.map((m) => ({
    id: m.id,
    metric: m.title,
    standing: cells.find((c) => c.metric === m.id && sameRow(c, winner))?.standing ?? "none",
    rivals: rivalsOf(findings, dataset, m.id, winner),
  }));
  const sure = own.filter((o) => o.standing === "best");
  const unsure = own.filter((o) => o.standing !== "best");
  const rivals = unsure
    .flatMap((o) => o.rivals)
    .filter((row, i, all) => all.findIndex((r) => sameRow(r, row)) === i)
    .map(({ model, method }) => ({ model, method }));
  const images = sizeOf(findings, dataset);
  const confidence: Confidence = sure.length === 0 ? "open" : unsure.length === 0 ? "clear" : "partial";
  const base = { dataset, winner, meanRank: first?.rank ?? null, rows, confidence, rivals };
  if (first === undefined || rows === 1) {
    const scores = own.flatMap(({ id, metric }) => {
      const mean = cells.find((c) => c.metric === id && sameRow(c, winner))?.score.mean ?? null;
      return mean === null ? [] : [`${decimal(mean)} by ${metric}`];
    });
    const sentence = `On ${title} (${images}), ${nameOf(findings, winner)} scores ${listed(scores)}; there is no other to compare it with.`;
    return { ...base, sentence };
  }
  const said = own.map(({ metric, standing, rivals: others }) => ({
    metric,
    text: standing === "best" ? "it is significantly better than every other" : doubt(findings, others, rows),
  }));
  // What holds by several metrics is said once.
  const parts = [...new Set(said.map((s) => s.text))].map((text) => {
    const by = said.filter((s) => s.text === text).map((s) => s.metric);
    return `by ${listed(by)} ${text}`;
  });
  const how = confidence === "clear" ? "is the most faithful" : "comes first";
  const rank = `its mean rank over ${listed(metrics.map((m) => m.title))} is ${first.rank.toFixed(1)} of ${rows}`;
  const sentence = `On ${title} (${images}), ${nameOf(findings, winner)} ${how}: ${rank}; ${parts.join("; ")}.`;
  return { ...base, sentence };
}

/** What keeps the winner from being best by a metric. */
function doubt(findings: Findings, rivals: readonly Rival[], rows: number): string {
  const names = (all: readonly Rival[]): string =>
    listedUpTo(
      all.map((r) => nameOf(findings, r)),
      3,
    );
  const better = rivals.filter((r) => r.better);
  const level = rivals.filter((r) => !r.better);
  return [
    ...(better.length > 0 ? [`it is significantly worse than ${names(better)}`] : []),
    ...(level.length > 0
      ? [`it cannot be told from ${level.length === rows - 1 ? "any other" : names(level)}`]
      : []),
  ].join(" and ");
}

/** Rows by their mean rank over the measured metrics; those that are ranked by each of them. */
function rankedRows(findings: Findings, dataset: string): readonly (RowKey & { readonly rank: number })[] {
  const rankings = measured(findings).map((m) =>
    findings.rankings.find((r) => r.dataset === dataset && r.metric === m.id),
  );
  const [first] = rankings;
  return (first?.entries ?? [])
    .flatMap(({ model, method }) => {
      const ranks = rankings.flatMap(
        (r) => r?.entries.find((e) => sameRow(e, { model, method }))?.rank ?? [],
      );
      const rank = ranks.reduce((s, r) => s + r, 0) / ranks.length;
      return ranks.length === rankings.length ? [{ model, method, rank }] : [];
    })
    .sort((a, b) => a.rank - b.rank);
}

/** "24 images in 8 groups" */
function sizeOf({ datasets }: Findings, dataset: string): string {
  const { images = [], groups = 0 } = datasets.find((d) => d.id === dataset) ?? {};
  return counted(images.length, "image") + (groups < images.length ? ` in ${counted(groups, "group")}` : "");
}

interface Rival extends RowKey {
  /** Significantly better than the winner by this metric. */
  readonly better: boolean;
}

/** Rows that the winner is not significantly better than. */
function rivalsOf(
  { comparisons }: Findings,
  dataset: string,
  metric: string,
  winner: RowKey,
): readonly Rival[] {
  return comparisons
    .filter((c) => c.kind === "rows" && c.dataset === dataset && c.metric === metric)
    .flatMap(({ a, b, better, test }) => {
      const side = sameRow(a, winner) ? "a" : sameRow(b, winner) ? "b" : undefined;
      const significant = test?.significant === true;
      if (side === undefined || (significant && better === side)) return [];
      return [{ ...(side === "a" ? b : a), better: significant && better !== null }];
    });
}

function headline(findings: Findings, answers: readonly DatasetAnswer[]): string {
  const titled = (d: DatasetAnswer): string => titleOf(findings.datasets, d.dataset);
  const decided = answers.filter((d) => d.winner !== null);
  const [first] = decided;
  if (first?.winner === undefined || first.winner === null)
    return "The study has no scores that could be ranked.";
  const { winner } = first;
  if (answers.every((d) => d.rows === 1)) {
    return `${nameOf(findings, winner)} was measured alone: there is nothing to rank it against.`;
  }
  const same =
    decided.length === answers.length && decided.every((d) => d.winner !== null && sameRow(d.winner, winner));
  if (same) {
    const where =
      answers.length === 1
        ? `on ${titled(first)}`
        : `on ${answers.length === 2 ? "both" : `all ${answers.length}`} data sets`;
    const claim = answers.every((d) => d.confidence === "clear") ? "is the most faithful" : "comes first";
    return `${nameOf(findings, winner)} ${claim} ${where}, ${howSure(answers, titled)}.`;
  }
  const each = answers.map((d) =>
    d.winner === null
      ? `nothing on ${titled(d)}`
      : `${nameOf(findings, d.winner)} on ${titled(d)} (${SHORT[d.confidence]})`,
  );
  return `It depends on the data: first comes ${listed(each)}.`;
}

function howSure(answers: readonly DatasetAnswer[], titled: (d: DatasetAnswer) => string): string {
  const open = answers.filter((d) => d.confidence === "open");
  if (open.length > 0) {
    return `but ${open.length === answers.length ? "" : `on ${listed(open.map(titled))} `}by no metric significantly better than every other`;
  }
  return answers.every((d) => d.confidence === "clear")
    ? "significantly better than every other by every metric"
    : "though not by every metric significantly better than every other";
}

const SHORT: Readonly<Record<Confidence, string>> = {
  clear: "significantly by every metric",
  partial: "significantly, but not by every metric",
  open: "not significantly",
};
