/** @file Where numbers come from: for each mean the query that gives its rows, and the stored results they were read from. */
import { titleOf } from "../../../study/analysis/findings.js";
import type { ColumnKey, RowKey, StudyAnalysis } from "../../../study/analysis/types.js";
import { type Html, html } from "../../html.js";
import { scrolled } from "../../parts.js";
import type { Section } from "../page.js";
import type { StudyReport } from "../types.js";
import { NOTHING, plainTable, shortHash } from "./parts.js";

/** Stored results named for a mean; the rest are in the scores. */
const MOST_CELLS = 3;

/** What a number of the main table leads to. */
export function originId(
  { datasets, models, methods, metrics }: StudyAnalysis,
  key: RowKey & ColumnKey,
): string {
  const place = (items: readonly { readonly id: string }[], id: string): number =>
    items.findIndex((item) => item.id === id);
  return `from-${place(datasets, key.dataset)}-${place(models, key.model)}-${place(methods, key.method)}-${place(metrics, key.metric)}`;
}

const quoted = (text: string): string => `'${text.replaceAll("'", "''")}'`;

export function originsSection({ analysis, origins }: StudyReport): Section {
  const { cells, datasets, models, metrics } = analysis;
  const [first] = cells.filter((c) => metrics.some((m) => m.id === c.metric && !m.derived));
  const query =
    first === undefined
      ? ""
      : `SELECT image, label, predicted, score, reason, curve, cell FROM 'scores.parquet'\nWHERE dataset = ${quoted(first.dataset)} AND model = ${quoted(first.model)} AND method = ${quoted(first.method)} AND metric = ${quoted(first.metric)};`;
  const rowsOf = (control: boolean) =>
    cells
      .filter((c) => c.control === control)
      .map((c) => {
        const derived = metrics.find((m) => m.id === c.metric)?.derived === true;
        const hashes =
          origins.find(
            (o) =>
              o.dataset === c.dataset &&
              o.model === c.model &&
              o.method === c.method &&
              o.metric === c.metric,
          )?.cells ?? [];
        const more = hashes.length > MOST_CELLS ? html` and ${hashes.length - MOST_CELLS} more` : html``;
        const from = derived
          ? html`image by image from the two metrics of the same row`
          : html`${hashes.slice(0, MOST_CELLS).map((h) => html`${shortHash(h)} `)}${more}`;
        return html`<tr id="${originId(analysis, c)}"><th scope="row">${titleOf(datasets, c.dataset)}</th><td class="text">${titleOf(models, c.model)}</td><td class="text">${c.method}</td><td class="text">${c.metric}</td><td>${c.score.n}</td><td>${c.undefinedScores.count}</td><td>${c.score.mean === null ? "–" : String(c.score.mean)}</td><td class="text">${from}</td></tr>`;
      });
  const table = (
    rows: readonly Html[],
  ): Html => html`<table class="dense"><caption>Every mean with all its digits, the images it is over, and the stored results (files of cells/) that their scores were read from.</caption>
<thead><tr><th scope="col">data set</th><th scope="col" class="text">model</th><th scope="col" class="text">method</th><th scope="col" class="text">metric</th><th scope="col">images</th><th scope="col">undefined</th><th scope="col">mean</th><th scope="col" class="text">stored results</th></tr></thead>
<tbody>${rows}</tbody></table>`;
  const ofControls = rowsOf(true);
  const controls =
    ofControls.length === 0
      ? NOTHING
      : html`<details><summary>The same for controls</summary>${scrolled("Sources of the controls' means", table(ofControls))}</details>`;
  const files = plainTable(
    "Files beside this page, from the same numbers",
    ["shown here", "file"],
    [
      ["every image's score and curve", "scores.parquet, scores.csv"],
      ["the table", "tables/faithfulness.csv, .md, .tex"],
      ["accuracy", "tables/accuracy.csv, .md, .tex"],
      ["tests of pairs, controls", "tables/comparisons.csv, .md, .tex"],
      ["ranks", "tables/rankings.csv, .md, .tex"],
      ["agreement", "tables/agreement.csv, .md, .tex"],
      ["figures", "figures/*.svg, figures/*.png"],
      ["settings", "study.json"],
    ],
    [1],
  );
  return {
    id: "origins",
    short: "Sources",
    title: "Where each number comes from",
    lead: "All of this page is computed from the rows of scores.parquet, one for each image, model, method and metric.",
    body: html`<div class="card"><p>The rows behind an entry, in DuckDB; put in the names of the entry that you doubt:</p><pre>${query}</pre>${scrolled("Files", files)}</div>
<div class="card">${scrolled("Sources of all means", table(rowsOf(false)))}${controls}</div>`,
  };
}
