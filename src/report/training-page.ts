/** @file What pages about trainings have in common: the frame, figures over epochs, scores with their intervals. */
import type { ClassScores, Score } from "../training/metrics/scores.js";
import { escapeHtml, type Html, html, raw } from "./html.js";
import { drawing } from "./parts.js";
import { STYLE } from "./style.js";
import { type EpochFigure, epochsFigure, lineColor } from "./training-figures.js";

const MORE_STYLE = `
.grid { display: flex; flex-wrap: wrap; gap: 1rem; margin: 0 0 1rem; align-items: stretch; } .grid > section { background: var(--card); border: 1px solid var(--line); border-radius: 12px; padding: 1rem 1.1rem; flex: 1 1 420px; min-width: 0; max-width: 100%; } .grid > .wide { flex-basis: 100%; } .wide .row { margin-bottom: .6rem; } .wide .said, .wrong .said { margin: .3rem 0 0; }
.grid h2, .wrong h2 { margin-bottom: .4rem; } .grid figure { max-width: 460px; }
.matrix td { text-align: center; padding: .34rem .6rem; min-width: 2.6rem; } .matrix td.hit { background: color-mix(in srgb, var(--line-2) calc(var(--p) * 50%), transparent); } .matrix td.miss { background: color-mix(in srgb, var(--wrong) calc(var(--p) * 50%), transparent); }
tbody tr:not(.control) > * { font-weight: 400; }
.tiles { display: grid; grid-template-columns: repeat(auto-fill, minmax(150px, 1fr)); gap: .9rem; }
.tiles figure { break-inside: avoid; } .tiles figcaption span { margin: 0; white-space: normal; overflow-wrap: anywhere; display: block; } .tiles b.wrong { color: var(--wrong); }
.tiles figure img { aspect-ratio: 1; object-fit: contain; background: #0001; }
`;

interface Page {
  readonly title: string;
  /** In a line under the title. */
  readonly facts: readonly string[];
  readonly body: Html;
  /** At the foot. */
  readonly notes: readonly string[];
}

/** A whole page; no network, no script. */
export function trainingPage({ title, facts, body, notes }: Page): string {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<title>${title}</title>
<style>${raw(STYLE)}${raw(MORE_STYLE)}</style>
</head>
<body>
<header>
<h1>${title}</h1>
<p class="facts">${raw(facts.map(escapeHtml).join(" · "))}</p>
</header>
<main>
${body}
</main>
<footer>${notes.map((n) => html`<p>${n}</p>`)}</footer>
</body>
</html>
`.text;
}

/** Lines over epochs with their legend. */
export function linesFigure(figure: EpochFigure): Html {
  const { lines } = figure;
  return html`<figure>${drawing(epochsFigure(figure), `By epoch: ${lines.map((l) => l.name).join(", ")}`)}<figcaption>${lines.map((l, i) => html`<span><i class="dot" style="background:${lineColor(i)}"></i>${l.name}</span>`)}</figcaption></figure>`;
}

export const percent = (p: number): string => `${(100 * p).toFixed(1)}%`;

/** "93.1% 90.2 to 95.3"; a dash that says why where it is undefined. */
export function scoreCell({ value, interval, reason }: Score): Html {
  if (value === undefined) return html`<td title="${reason ?? ""}">–</td>`;
  const range = interval
    ? html` <small>${(100 * interval[0]).toFixed(1)} to ${(100 * interval[1]).toFixed(1)}</small>`
    : raw("");
  return html`<td${reason === undefined ? raw("") : html` title="${reason}"`}>${percent(value)}${range}</td>`;
}

export function classTable(classes: readonly ClassScores[]): Html {
  return html`<table>
<thead><tr><th scope="col">class</th><th scope="col">images</th><th scope="col">recall</th><th scope="col">precision</th></tr></thead>
<tbody>${classes.map((c) => html`<tr><th scope="row">${c.label}</th><td>${c.images}</td>${scoreCell(c.recall)}${scoreCell(c.precision)}</tr>`)}</tbody>
</table>`;
}
