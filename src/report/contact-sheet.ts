/**
 * @file One self-contained page to look at: each image beside its maps and its curves, with what the model said and
 * how the maps scored. No network, no script; opens from disk and prints.
 */
import { type CurveLine, curvesFigure } from "./curves.js";
import { escapeHtml, type Html, html, raw } from "./html.js";
import { drawing, scrolled } from "./parts.js";
import { STYLE } from "./style.js";
import { PALETTE } from "./svg.js";

export interface SheetScore {
  readonly method: string;
  readonly metric: string;
  readonly auc: number;
  readonly curve: readonly number[];
  readonly control: boolean;
}

export interface SheetImage {
  readonly name: string;
  readonly label?: string;
  readonly target: string;
  readonly predictions: readonly { readonly label: string; readonly probability: number }[];
  /** PNG or JPEG as data: URI. */
  readonly picture: string;
  readonly maps: readonly { readonly method: string; readonly picture: string }[];
  readonly scores: readonly SheetScore[];
}

export interface SheetSummary {
  readonly method: string;
  readonly metric: string;
  readonly direction: "higher" | "lower";
  readonly mean: number | undefined;
  readonly ci: readonly [number, number] | undefined;
  readonly n: number;
  readonly control: boolean;
}

export interface Sheet {
  readonly title: string;
  /** Facts in a line under the title. */
  readonly facts: readonly string[];
  readonly images: readonly SheetImage[];
  readonly summary: readonly SheetSummary[];
  /** What the reader must know to read it: protocol, limits. */
  readonly notes: readonly string[];
  /** Colours of the maps from unimportant to important, for the scale. */
  readonly colors: readonly string[];
}

export function contactSheet(sheet: Sheet): string {
  // A method has one colour on the whole page.
  const names = [
    ...new Set(sheet.images.flatMap((i) => i.scores.filter((s) => !s.control).map((s) => s.method))),
  ];
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<title>${sheet.title}</title>
<style>${raw(STYLE)}</style>
</head>
<body>
<header>
<h1>${sheet.title}</h1>
<p class="facts">${raw(sheet.facts.map(escapeHtml).join(" · "))}</p>
</header>
<main>
<section class="summary" aria-label="Summary">
${scrolled("Mean scores", summaryTable(sheet.summary))}
${meanCurves(sheet.images, names)}
</section>
${legend(sheet, names)}
${sheet.images.map((image) => card(image, names))}
</main>
<footer>${sheet.notes.map((n) => html`<p>${n}</p>`)}</footer>
</body>
</html>
`.text;
}

const colorOf = (names: readonly string[], method: string): string =>
  PALETTE[names.indexOf(method) % PALETTE.length] ?? "currentColor";

const key = (names: readonly string[], method: string): Html =>
  html`<i class="dot" style="background:${colorOf(names, method)}"></i>`;

function legend({ images, colors }: Sheet, names: readonly string[]): Html {
  const controls = images.some((i) => i.scores.some((s) => s.control))
    ? [html`<span><i class="dot grey"></i>controls</span>`]
    : [];
  const methods = names.map((m) => html`<span>${key(names, m)}${m}</span>`);
  return html`<p class="legend">${methods}${controls}<span class="scale">unimportant <i style="background:linear-gradient(90deg,${colors.join(",")})"></i> important</span></p>`;
}

/** How many of the predicted classes a card shows. */
const PREDICTIONS = 3;

function card(image: SheetImage, names: readonly string[]): Html {
  const metrics = [...new Set(image.scores.map((s) => s.metric))];
  const [top] = image.predictions;
  const bars = image.predictions
    .slice(0, PREDICTIONS)
    .map(
      ({ label, probability }) =>
        html`<li style="--p:${(100 * probability).toFixed(1)}%"><span>${label}</span><b>${percent(probability)}</b></li>`,
    );
  return html`<article>
<h2>${image.name}</h2>
${verdict(image, top?.label)}
<div class="row">
<figure><img alt="${image.name}" src="${image.picture}" width="224" height="224"><figcaption><ol class="bars">${bars}</ol></figcaption></figure>
${image.maps.map((m) => html`<figure><img alt="${m.method} over ${image.name}" src="${m.picture}" width="224" height="224"><figcaption>${key(names, m.method)}<b>${m.method}</b></figcaption></figure>`)}
${metrics.map((metric) => curves(image.scores, metric, names))}
</div>
</article>`;
}

/** What is known of the image beyond the model's prediction: its true class, and the class explained where it is another. */
function verdict({ label, target }: SheetImage, predicted: string | undefined): Html {
  const parts: Html[] = [];
  if (label !== undefined)
    parts.push(
      label === predicted
        ? html`rightly predicted`
        : html`true class <b>${label}</b>, <b class="wrong">taken for ${predicted ?? ""}</b>`,
    );
  if (target !== predicted) parts.push(html`explained: <b>${target}</b>`);
  return parts.length === 0
    ? raw("")
    : html`<p class="said">${raw(parts.map((p) => p.text).join(" · "))}</p>`;
}

function curves(all: readonly SheetScore[], metric: string, names: readonly string[]): Html {
  const scores = all.filter((s) => s.metric === metric);
  const lines: CurveLine[] = scores.map(({ method: name, curve, control }) => ({ name, curve, control }));
  const areas = scores
    .filter((s) => !s.control)
    .map((s) => html`<span>${key(names, s.method)}${s.auc.toFixed(3)}</span>`);
  return html`<figure class="curve">${drawing(curvesFigure(lines, { xLabel: xLabel(metric), names }), `${baseName(metric)} curves`)}<figcaption><b>${baseName(metric)}</b> AUC ${areas}</figcaption></figure>`;
}

const baseName = (metric: string): string => metric.split(":", 1)[0] ?? metric;

const xLabel = (metric: string): string =>
  baseName(metric) === "insertion" ? "pixels inserted" : "pixels deleted";

/** The curves of all images on the page, averaged point by point. */
function meanCurves(images: readonly SheetImage[], names: readonly string[]): readonly Html[] {
  const scores = images.flatMap((i) => i.scores);
  return [...new Set(scores.map((s) => s.metric))].map((metric) => {
    const own = scores.filter((s) => s.metric === metric);
    const lines = [...new Set(own.map((s) => s.method))].map((name): CurveLine => {
      const of = own.filter((s) => s.method === name);
      const points = Math.max(...of.map((s) => s.curve.length));
      const curve = Array.from(
        { length: points },
        (_, i) => of.reduce((sum, s) => sum + (s.curve[i] ?? 0), 0) / of.length,
      );
      return { name, curve, control: of[0]?.control ?? false };
    });
    return html`<figure class="mean">${drawing(curvesFigure(lines, { xLabel: xLabel(metric), names, width: 250, height: 240 }), `mean ${baseName(metric)} curves`)}<figcaption>mean <b>${baseName(metric)}</b> curve</figcaption></figure>`;
  });
}

function summaryTable(summary: readonly SheetSummary[]): Html {
  const metrics = [...new Map(summary.map((s) => [s.metric, s.direction]))];
  const methods = [...new Set(summary.map((s) => s.method))];
  const cell = (method: string, metric: string): Html => {
    const s = summary.find((x) => x.method === method && x.metric === metric);
    if (s?.mean === undefined) return html`<td>–</td>`;
    const interval = s.ci ? html` <small>${s.ci[0].toFixed(3)} to ${s.ci[1].toFixed(3)}</small>` : raw("");
    return html`<td>${s.mean.toFixed(3)}${interval}</td>`;
  };
  const heading = ([metric, direction]: readonly [string, string]): Html => {
    const [name = "", parameters] = metric.split(":");
    return html`<th scope="col">${name} <span title="${direction} is better">${direction === "higher" ? "↑" : "↓"}</span>${parameters === undefined ? "" : html`<small>${parameters}</small>`}</th>`;
  };
  const isControl = (m: string): boolean => summary.some((s) => s.method === m && s.control);
  const n = Math.max(0, ...summary.map((s) => s.n));
  return html`<table>
<caption>Mean area under the curve, ${n} ${n === 1 ? "image" : "images"}, 95% intervals (↑ higher is better, ↓ lower is better)</caption>
<thead><tr><th scope="col">map</th>${metrics.map(heading)}</tr></thead>
<tbody>${methods.map((m) => html`<tr class="${isControl(m) ? "control" : ""}"><th scope="row">${m}</th>${metrics.map(([metric]) => cell(m, metric))}</tr>`)}</tbody>
</table>`;
}

const percent = (p: number): string => `${(100 * p).toFixed(1)}%`;
