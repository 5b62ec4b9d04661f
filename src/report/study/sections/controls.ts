/** @file Whether maps beat what knows nothing of the image: without that, a score means nothing. */
import { measured, titleOf } from "../../../study/analysis/findings.js";
import type { Comparison, StudyAnalysis } from "../../../study/analysis/types.js";
import { listed } from "../../../study/analysis/words.js";
import { decimals, pValue } from "../../../study/results/tables/table.js";
import { type Html, html } from "../../html.js";
import { scrolled } from "../../parts.js";
import type { Section } from "../page.js";
import type { StudyReport } from "../types.js";
import { dot } from "./parts.js";

export function controlsSection({ analysis }: StudyReport): readonly Section[] {
  const all = analysis.comparisons.filter((c) => c.kind === "controls");
  if (all.length === 0) return [];
  const tables = analysis.datasets.flatMap(({ id, title }) =>
    measured(analysis).flatMap(({ id: metric, title: name }) => {
      const own = all.filter((c) => c.dataset === id && c.metric === metric);
      return own.length === 0
        ? []
        : [
            html`<div class="card"><h3>${title}, ${name}</h3>${scrolled(`Controls on ${title} by ${name}`, table(analysis, own))}</div>`,
          ];
    }),
  );
  return [
    {
      id: "controls",
      short: "Controls",
      title: "Controls",
      lead: `Each method against maps that know nothing: ${inWords(all)}. ✓ significantly better than the control, ✗ significantly worse, ≈ not told from it. The difference is method − control, below it Holm's p.`,
      body: html`<div class="sets two">${tables}</div>`,
    },
  ];
}

function table(analysis: StudyAnalysis, own: readonly Comparison[]): Html {
  const rows = [...new Map(own.map((c) => [JSON.stringify([c.a.model, c.a.method]), c.a])).values()];
  const kinds = [...new Set(own.map((c) => kindOf(c.b.method)))];
  return html`<table class="marks">
<thead><tr><th scope="col">map</th>${kinds.map((k) => html`<th scope="col">${k}</th>`)}</tr></thead>
<tbody>${rows.map((row) => html`<tr><th scope="row">${dot(analysis, row.method)}${titleOf(analysis.models, row.model)} · ${row.method}</th>${kinds.map((k) => verdict(own.find((c) => c.a.model === row.model && c.a.method === row.method && kindOf(c.b.method) === k)))}</tr>`)}</tbody></table>`;
}

const WORDS: Readonly<Record<string, string>> = {
  random: "noise",
  center: "the centre",
  edge: "the edges",
  inverted: "its own map turned upside down",
};

/** What there is to compare with; a study chooses its controls. */
const inWords = (all: readonly Comparison[]): string =>
  listed([...new Set(all.map((c) => kindOf(c.b.method)))].map((kind) => WORDS[kind] ?? kind));

/** Each method has an inverted map of its own. */
const kindOf = (control: string): string => (control.startsWith("inverted ") ? "inverted" : control);

function verdict(found: Comparison | undefined): Html {
  if (found === undefined) return html`<td>–</td>`;
  const { test, better, difference, reason } = found;
  if (test === null || difference.mean === null)
    return html`<td title="${reason ?? difference.reason ?? ""}">–</td>`;
  const [kind, mark, said] = !test.significant
    ? ["even", "≈", "not told apart"]
    : better === "a"
      ? ["yes", "✓", "better than the control"]
      : ["no", "✗", "worse than the control"];
  const sign = difference.mean > 0 ? "+" : "";
  return html`<td><span class="${kind}" title="${said}">${mark}<span class="skip">${said}</span></span> ${sign}${decimals(difference.mean)}<br><small>p ${pValue(test.adjusted)}</small></td>`;
}
