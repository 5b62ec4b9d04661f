/**
 * @file One self-contained page about a trained classifier: how training went, what it takes for what, how sure that
 * is, and the images it got wrong. No network, no script.
 */
import type { ClassScores, Score, Scores } from "../training/metrics/scores.js";
import type { ReportEpoch, TrainingReport, WrongImage } from "../training/run/report-data.js";
import { escapeHtml, type Html, html, raw } from "./html.js";
import { STYLE } from "./style.js";
import { calibrationFigure, type EpochLine, epochsFigure, lineColor } from "./training-figures.js";

const MORE_STYLE = `
.grid { display: flex; flex-wrap: wrap; gap: 1rem; margin: 0 0 1rem; align-items: stretch; } .grid > section { background: var(--card); border: 1px solid var(--line); border-radius: 12px; padding: 1rem 1.1rem; flex: 1 1 420px; min-width: 0; max-width: 100%; } .grid > .wide { flex-basis: 100%; } .wide .row { margin-bottom: .6rem; } .wide .said, .wrong .said { margin: .3rem 0 0; }
.grid h2, .wrong h2 { margin-bottom: .4rem; } .grid figure { max-width: 460px; }
.matrix td { text-align: center; padding: .34rem .6rem; min-width: 2.6rem; } .matrix td.hit { background: color-mix(in srgb, var(--line-2) calc(var(--p) * 60%), transparent); } .matrix td.miss { background: color-mix(in srgb, var(--wrong) calc(var(--p) * 60%), transparent); }
tbody tr:not(.control) > * { font-weight: 400; }
.tiles { display: grid; grid-template-columns: repeat(auto-fill, minmax(150px, 1fr)); gap: .9rem; }
.tiles figure { break-inside: avoid; } .tiles figcaption span { margin: 0; white-space: normal; overflow-wrap: anywhere; display: block; } .tiles b.wrong { color: var(--wrong); }
.tiles figure img { aspect-ratio: 1; object-fit: contain; background: #0001; }
`;

export function trainingReport(report: TrainingReport): string {
  const { title, facts, curve, best, validation, test, wrong, notes } = report;
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
<div class="grid">
<section><h2>Scores</h2><div class="scroll">${overall(validation, test)}</div></section>
<section><h2>Classes (test images)</h2><div class="scroll">${classTable(test.classes)}</div></section>
<section><h2>What was taken for what (test images)</h2><div class="scroll">${matrix(test)}</div></section>
<section><h2>Calibration (test images)</h2><figure>${raw(calibrationFigure(test.calibration))}<figcaption>Share that is right over the probability given, in ${test.calibration.length} bins; the dashed line is where they agree.</figcaption></figure></section>
<section class="wide"><h2>Training</h2>${curves(curve, best)}</section>
</div>
${wrongImages(wrong, test.images)}
<footer>${notes.map((n) => html`<p>${n}</p>`)}</footer>
</body>
</html>
`.text;
}

const percent = (p: number): string => `${(100 * p).toFixed(1)}%`;

/** "93.1% 90.2 to 95.3"; a dash that says why where it is undefined. */
function cell({ value, interval, reason }: Score): Html {
  if (value === undefined) return html`<td title="${reason ?? ""}">–</td>`;
  const range = interval
    ? html` <small>${(100 * interval[0]).toFixed(1)} to ${(100 * interval[1]).toFixed(1)}</small>`
    : raw("");
  return html`<td${reason === undefined ? raw("") : html` title="${reason}"`}>${percent(value)}${range}</td>`;
}

function overall(validation: Scores, test: Scores): Html {
  const rows: readonly (readonly [
    string,
    keyof Scores & ("accuracy" | "balancedAccuracy" | "macroF1" | "calibrationError"),
  ])[] = [
    ["accuracy", "accuracy"],
    ["balanced accuracy", "balancedAccuracy"],
    ["macro F1", "macroF1"],
    ["calibration error", "calibrationError"],
  ];
  const loss = (s: Scores): string => s.loss?.toFixed(4) ?? "–";
  return html`<table>
<caption>With 95% intervals. The epoch was chosen by the validation images; the test images were used once.</caption>
<thead><tr><th scope="col"></th><th scope="col">test <small>${test.images} images</small></th><th scope="col">validation <small>${validation.images} images</small></th></tr></thead>
<tbody>${rows.map(([name, key]) => html`<tr><th scope="row">${name}</th>${cell(test[key])}${cell(validation[key])}</tr>`)}<tr><th scope="row">loss</th><td>${loss(test)}</td><td>${loss(validation)}</td></tr></tbody>
</table>`;
}

function curves(curve: readonly ReportEpoch[], best: number): Html {
  const figure = (lines: readonly EpochLine[], share: boolean): Html =>
    html`<figure>${raw(epochsFigure({ lines, best, share }))}<figcaption>${lines.map((l, i) => html`<span><i class="dot" style="background:${lineColor(i)}"></i>${l.name}</span>`)}</figcaption></figure>`;
  return html`<div class="row">${figure(
    [
      { name: "training loss", values: curve.map((e) => e.train.loss) },
      { name: "validation loss", values: curve.map((e) => e.validation.loss) },
    ],
    false,
  )}${figure(
    [
      { name: "validation accuracy", values: curve.map((e) => e.validation.accuracy) },
      { name: "balanced accuracy", values: curve.map((e) => e.validation.balancedAccuracy) },
    ],
    true,
  )}</div><p class="said">The dashed line is epoch ${best}, whose weights were kept. The training loss includes augmentation and label smoothing, and is no measure of the other's kind.</p>`;
}

function classTable(classes: readonly ClassScores[]): Html {
  return html`<table>
<thead><tr><th scope="col">class</th><th scope="col">images</th><th scope="col">recall</th><th scope="col">precision</th></tr></thead>
<tbody>${classes.map((c) => html`<tr><th scope="row">${c.label}</th><td>${c.images}</td>${cell(c.recall)}${cell(c.precision)}</tr>`)}</tbody>
</table>`;
}

function matrix({ confusion, classes }: Scores): Html {
  const rows = confusion.map((row, t) => {
    const total = row.reduce((a, b) => a + b, 0);
    const cells = row.map(
      (n, p) =>
        html`<td class="${t === p ? "hit" : "miss"}" style="--p:${total === 0 ? 0 : n / total}">${n}</td>`,
    );
    return html`<tr><th scope="row">${classes[t]?.label ?? ""}</th>${cells}</tr>`;
  });
  return html`<table class="matrix">
<caption>A row is a true class, a column what it was taken for.</caption>
<thead><tr><th scope="col"></th>${classes.map((c) => html`<th scope="col">${c.label}</th>`)}</tr></thead>
<tbody>${rows}</tbody>
</table>`;
}

function wrongImages(wrong: readonly WrongImage[], images: number): Html {
  if (images === 0) return raw("");
  if (wrong.length === 0)
    return html`<article class="wrong"><h2>All ${images} test images are right.</h2></article>`;
  const shown = wrong.filter((w) => w.picture !== undefined);
  const rest = wrong.filter((w) => w.picture === undefined);
  const tiles = shown.map(
    (w) =>
      html`<figure><img alt="${w.name}" src="${w.picture ?? ""}" loading="lazy"><figcaption><span>${w.name}</span>true <b>${w.label}</b>, taken for <b class="wrong">${w.predicted}</b> (${percent(w.probability)})</figcaption></figure>`,
  );
  const listed =
    rest.length === 0
      ? raw("")
      : html`<p class="said">Without their pictures: ${rest.map((w) => html`${w.name} (${w.label}, taken for ${w.predicted}, ${percent(w.probability)}); `)}</p>`;
  return html`<article class="wrong"><h2>${wrong.length} of ${images} test images taken for another class, the surest first</h2><div class="tiles">${tiles}</div>${listed}</article>`;
}
