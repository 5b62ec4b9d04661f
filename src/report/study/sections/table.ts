/** @file The table as papers have it: a row for each model and method, a column for each data set and metric. */
import type { CellGroup, StudyAnalysis } from "../../../study/analysis/types.js";
import { decimals, range } from "../../../study/results/tables/table.js";
import { type Html, html, raw } from "../../html.js";
import { scrolled } from "../../parts.js";
import type { Section } from "../page.js";
import type { StudyReport } from "../types.js";
import { originId } from "./origins.js";
import { dot, NOTHING } from "./parts.js";

export function tableSection({ analysis }: StudyReport): Section {
  const { settings } = analysis;
  const tested = settings.test === "wilcoxon" ? "Wilcoxon's signed-rank test" : "a paired permutation test";
  const controls = analysis.methods.some((m) => m.control)
    ? html`<details><summary>The same for controls: maps that know nothing of the model</summary>${scrolled("Scores of controls", mainTable(analysis, true))}</details>`
    : NOTHING;
  return {
    id: "table",
    short: "Table",
    title: "The table",
    lead: `Means over images with ${Math.round(100 * settings.level)}% intervals (BCa bootstrap, whole groups resampled). Bold: significantly better than every other row of its column (${tested}, Holm's correction, α = ${settings.alpha}). †: the best mean, or not told from it. ↑ higher is better, ↓ lower is better. Each number leads to the rows it is made of.`,
    body: html`<div class="card">${scrolled("Scores of all models and methods", mainTable(analysis, false))}${parameters(analysis)}${controls}</div>`,
  };
}

function mainTable(analysis: StudyAnalysis, controls: boolean): Html {
  const { datasets, metrics, models, methods, cells } = analysis;
  const wanted = methods.filter((m) => m.control === controls);
  const rows = models.flatMap(({ id: model, title }) => {
    const present = wanted.filter((m) => cells.some((c) => c.model === model && c.method === m.id));
    return present.map(({ id: method }, i) => {
      const head =
        i === 0
          ? html`<th scope="rowgroup" class="model" rowspan="${present.length}"><b>${title}</b></th>`
          : NOTHING;
      const entries = datasets.flatMap((d) => [
        ...(i === 0 ? [accuracyCell(analysis, d.id, model, present.length)] : []),
        ...metrics.map((m) =>
          scoreCell(
            analysis,
            cells.find(
              (c) => c.dataset === d.id && c.metric === m.id && c.model === model && c.method === method,
            ),
          ),
        ),
      ]);
      return html`<tr class="${i === 0 ? "first" : ""}">${head}<th scope="row" class="method"><b class="of">${title}</b>${controls ? NOTHING : dot(analysis, method)}${method}</th>${entries}</tr>`;
    });
  });
  return html`<table class="main">
<thead>
<tr><td class="model"></td><td></td>${datasets.map((d) => html`<th scope="colgroup" class="set" colspan="${1 + metrics.length}"><span>${d.title}</span></th>`)}</tr>
<tr><th scope="col" class="model">model</th><th scope="col" class="method">method</th>${datasets.map(() => html`<th scope="col" class="start">accuracy</th>${metrics.map((m) => html`<th scope="col">${m.title} <span title="${m.direction} is better">${m.direction === "higher" ? "↑" : "↓"}</span></th>`)}`)}</tr>
</thead>
<tbody>${rows}</tbody>
</table>`;
}

function accuracyCell({ accuracy }: StudyAnalysis, dataset: string, model: string, rows: number): Html {
  const found = accuracy.find((a) => a.dataset === dataset && a.model === model);
  const open = raw(`<td class="start" rowspan="${rows}">`);
  if (found === undefined || found.accuracy === null) return html`${open}–</td>`;
  return html`${open}<a href="#accuracy">${decimals(found.accuracy)}</a>${detail(found.interval)}</td>`;
}

function scoreCell(analysis: StudyAnalysis, cell: CellGroup | undefined): Html {
  if (cell === undefined) return html`<td>–</td>`;
  const { score, standing } = cell;
  if (score.mean === null) return html`<td title="${score.reason ?? ""}">–</td>`;
  const number = html`<a href="#${originId(analysis, cell)}">${decimals(score.mean)}</a>`;
  const mark =
    standing === "leading" || standing === "level"
      ? html`<sup title="${standing === "leading" ? "the best mean, but not told from some other" : "not told from the best"}">†</sup>`
      : NOTHING;
  return html`<td>${standing === "best" ? html`<b>${number}</b>` : number}${mark}${detail(score.interval)}</td>`;
}

/** What the columns' names leave out. */
function parameters({ metrics }: StudyAnalysis): Html {
  const given = metrics.filter((m) => !m.derived && m.id.toLowerCase() !== m.title.toLowerCase());
  if (given.length === 0) return NOTHING;
  return html`<p class="note">${given.map((m) => html`${m.title}: <code>${m.id}</code>. `)}All parameters are under <a href="#settings">Settings</a>.</p>`;
}

const detail = (interval: readonly [number, number] | null): Html =>
  interval === null ? NOTHING : html`<small>${range(interval)}</small>`;
