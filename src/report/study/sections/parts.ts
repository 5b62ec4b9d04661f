/** @file Pieces that several sections have: keys of colours, tables from cells, hashes. */
import type { StudyAnalysis } from "../../../study/analysis/types.js";
import { type Html, html, raw } from "../../html.js";
import { colorOf, shapeIndex } from "../figures/figure.js";
import { colorsOf } from "../figures/study-figures.js";

export const NOTHING: Html = raw("");

/** "93.1%" */
export const percent = (share: number): string => `${(100 * share).toFixed(1)}%`;

/** The method's colour and shape. */
export function dot(analysis: Pick<StudyAnalysis, "methods">, method: string): Html {
  const colors = colorsOf(analysis);
  return html`<i class="dot shape-${shapeIndex(colors, method)}" style="background:${colorOf(colors, method)}"></i>`;
}

/** Which colour and shape is which method. */
export function keys(analysis: Pick<StudyAnalysis, "methods">, more: Html = NOTHING): Html {
  const methods = analysis.methods.filter((m) => !m.control);
  return html`<ul class="keys">${methods.map((m) => html`<li>${dot(analysis, m.id)}${m.id}</li>`)}${more}</ul>`;
}

/** A table of texts; the first column heads its row, those named in `text` are to the left. */
export function plainTable(
  caption: string,
  header: readonly string[],
  rows: readonly (readonly (string | number | Html)[])[],
  text: readonly number[] = [],
): Html {
  const side = (i: number): Html => (text.includes(i) ? raw(' class="text"') : NOTHING);
  return html`<table>
<caption>${caption}</caption>
<thead><tr>${header.map((h, i) => html`<th scope="col"${side(i)}>${h}</th>`)}</tr></thead>
<tbody>${rows.map((row) => html`<tr>${row.map((cell, i) => (i === 0 ? html`<th scope="row">${cell}</th>` : html`<td${side(i)}>${cell}</td>`))}</tr>`)}</tbody>
</table>`;
}

/** Enough of a hash to find it by. */
export const shortHash = (hash: string): Html =>
  html`<span class="hash" title="${hash}">${hash.slice(0, 12)}</span>`;
