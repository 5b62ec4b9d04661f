/**
 * @file One self-contained page to look at: each image beside its maps and its curves, with what the model said and
 * how the maps scored. No network, no script; opens from disk and prints.
 */
import { type CurveLine, curvesFigure } from "./curves.js";
import { escapeHtml, html, raw } from "./html.js";
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
  const methods = [...new Set(sheet.images.flatMap((i) => i.maps.map((m) => m.method)))];
  const legend = methods.map(
    (m, i) =>
      html`<span class="key"><i style="background:${PALETTE[i % PALETTE.length] ?? ""}"></i>${m}</span>`,
  );
  const controls = sheet.summary.some((s) => s.control)
    ? [html`<span class="key"><i class="grey"></i>controls</span>`]
    : [];
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
<section aria-label="Scores">
${summaryTable(sheet.summary)}
</section>
<p class="legend">${legend}${controls}<span class="scale">unimportant <i style="background:linear-gradient(90deg,${sheet.colors.join(",")})"></i> important</span></p>
<main>
${sheet.images.map((image) => card(image))}
</main>
<footer>${sheet.notes.map((n) => html`<p>${n}</p>`)}</footer>
</body>
</html>
`.text;
}

function card(image: SheetImage) {
  const metrics = [...new Set(image.scores.map((s) => s.metric))];
  const top = image.predictions[0];
  const wrong = image.label !== undefined && top !== undefined && top.label !== image.label;
  return html`<article>
<h2>${image.name}</h2>
<p class="said">${image.label === undefined ? "" : html`true class <b>${image.label}</b> · `}model says <b class="${wrong ? "wrong" : ""}">${top?.label ?? ""}</b> (${percent(top?.probability ?? 0)})${image.target === top?.label ? "" : html` · explained: <b>${image.target}</b>`}</p>
<div class="row">
<figure><img alt="${image.name}" src="${image.picture}"><figcaption>image</figcaption></figure>
${image.maps.map((m) => html`<figure><img alt="${m.method} over ${image.name}" src="${m.picture}"><figcaption>${m.method}</figcaption></figure>`)}
${metrics.map((metric) =>
  curves(
    image.scores.filter((s) => s.metric === metric),
    metric,
  ),
)}
</div>
</article>`;
}

function curves(scores: readonly SheetScore[], metric: string) {
  const lines: CurveLine[] = scores.map(({ method: name, curve, control }) => ({ name, curve, control }));
  const values = scores.filter((s) => !s.control).map((s) => `${s.method} ${s.auc.toFixed(3)}`);
  const inserted = metric.startsWith("insertion");
  return html`<figure class="curve">${raw(curvesFigure(lines, { xLabel: inserted ? "pixels inserted" : "pixels deleted" }))}<figcaption>${metric}: AUC ${values.join(", ")}</figcaption></figure>`;
}

function summaryTable(summary: readonly SheetSummary[]) {
  const metrics = [...new Map(summary.map((s) => [s.metric, s.direction]))];
  const methods = [...new Set(summary.map((s) => s.method))];
  const cell = (method: string, metric: string): string => {
    const s = summary.find((x) => x.method === method && x.metric === metric);
    if (s?.mean === undefined) return "–";
    return s.ci ? `${s.mean.toFixed(3)} [${s.ci[0].toFixed(3)}, ${s.ci[1].toFixed(3)}]` : s.mean.toFixed(3);
  };
  const n = Math.max(0, ...summary.map((s) => s.n));
  return html`<table>
<caption>Mean AUC over ${n} images with 95% bootstrap intervals</caption>
<thead><tr><th scope="col">map</th>${metrics.map(([m, d]) => html`<th scope="col">${m} ${d === "higher" ? "↑" : "↓"}</th>`)}</tr></thead>
<tbody>${methods.map(
    (m) =>
      html`<tr class="${summary.some((s) => s.method === m && s.control) ? "control" : ""}"><th scope="row">${m}</th>${metrics.map(([metric]) => html`<td>${cell(m, metric)}</td>`)}</tr>`,
  )}</tbody>
</table>`;
}

const percent = (p: number): string => `${(100 * p).toFixed(1)}%`;
