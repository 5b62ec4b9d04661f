/** @file How often models are right, and what they take for what: a faithful map of a wrong model is no virtue. */
import { titleOf } from "../../../study/analysis/findings.js";
import type { Confusion, Estimate, StudyAnalysis } from "../../../study/analysis/types.js";
import { decimals } from "../../../study/results/tables/table.js";
import { type Html, html } from "../../html.js";
import { scrolled } from "../../parts.js";
import type { Section } from "../page.js";
import type { StudyReport } from "../types.js";
import { NOTHING, percent, plainTable } from "./parts.js";

export function accuracySection({ analysis }: StudyReport): Section {
  return {
    id: "accuracy",
    short: "Accuracy",
    title: "How often the models are right",
    lead: "On the images of this study, with Wilson's intervals. Faithfulness is about the model, accuracy about the world: a map can be true to a model that is wrong. In the grids, a row is a true class and a column what it was taken for.",
    body: html`<div class="card">${scrolled("Accuracy", accuracyTable(analysis))}</div>${matrices(analysis)}${rightAndWrong(analysis)}`,
  };
}

function accuracyTable({ accuracy, datasets, models }: StudyAnalysis): Html {
  return plainTable(
    "From one row for each image in scores.parquet: correct, by dataset and model.",
    ["data set", "model", "right", "of", "without a label", "accuracy", "interval"],
    accuracy.map((a) => [
      titleOf(datasets, a.dataset),
      titleOf(models, a.model),
      a.correct,
      a.images - a.unlabelled,
      a.unlabelled,
      a.accuracy === null ? "–" : percent(a.accuracy),
      a.interval === null ? "–" : `${percent(a.interval[0])} to ${percent(a.interval[1])}`,
    ]),
    [1],
  );
}

function matrices({ confusion, datasets, models }: StudyAnalysis): Html {
  const known = confusion.filter((c) => c.labels.length > 0);
  if (known.length === 0) return NOTHING;
  return html`<div class="card matrices">${known.map((c) => scrolled(`What ${titleOf(models, c.model)} takes for what on ${titleOf(datasets, c.dataset)}`, matrix(c, `${titleOf(models, c.model)}, ${titleOf(datasets, c.dataset)}`)))}</div>`;
}

function matrix({ labels, predicted, counts }: Confusion, caption: string): Html {
  const rows = labels.map((label, t) => {
    const row = counts[t] ?? [];
    const total = row.reduce((a, b) => a + b, 0);
    return html`<tr><th scope="row">${label}</th>${row.map((n, p) => html`<td class="${predicted[p] === label ? "hit" : "miss"}" style="--p:${total === 0 ? 0 : n / total}">${n === 0 ? "·" : n}</td>`)}</tr>`;
  });
  return html`<table class="matrix"><caption>${caption}</caption><thead><tr><td></td>${predicted.map((p) => html`<th scope="col"><span>${p}</span></th>`)}</tr></thead><tbody>${rows}</tbody></table>`;
}

/** Scores apart for images that the model gets right and wrong. */
function rightAndWrong({ cells, datasets, metrics, models }: StudyAnalysis): Html {
  const known = cells.filter((c) => !c.control && c.right !== null && c.wrong !== null && c.wrong.n > 0);
  if (known.length === 0) return NOTHING;
  const said = (e: Estimate | null): string => (e?.mean == null ? "–" : `${decimals(e.mean)} (${e.n})`);
  const table = plainTable(
    "Mean scores apart for images that the model gets right and wrong, with their number",
    ["data set", "model", "method", "metric", "right", "wrong"],
    known.map((c) => [
      titleOf(datasets, c.dataset),
      titleOf(models, c.model),
      c.method,
      titleOf(metrics, c.metric),
      said(c.right),
      said(c.wrong),
    ]),
    [1, 2, 3],
  );
  return html`<details class="card"><summary>Are maps as faithful where the model is wrong?</summary>${scrolled("Right and wrong images", table)}</details>`;
}
