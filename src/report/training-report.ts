/**
 * @file One self-contained page about a trained classifier: how training went, what it takes for what, how sure that
 * is, and the images it got wrong. No network, no script.
 */
import type { Scores } from "../training/metrics/scores.js";
import type { ReportEpoch, TrainingReport, WrongImage } from "../training/run/report-data.js";
import { type Html, html, raw } from "./html.js";
import { drawing, scrolled } from "./parts.js";
import { calibrationFigure, type EpochLine } from "./training-figures.js";
import { classTable, linesFigure, percent, scoreCell, trainingPage } from "./training-page.js";

export function trainingReport(report: TrainingReport): string {
  const { title, facts, curve, best, validation, test, wrong, notes } = report;
  return trainingPage({
    title,
    facts,
    notes,
    body: html`<div class="grid">
<section><h2>Scores</h2>${scrolled("Scores", overall(validation, test))}</section>
<section><h2>Classes (test images)</h2>${scrolled("Classes", classTable(test.classes))}</section>
<section><h2>What was taken for what (test images)</h2>${scrolled("What was taken for what", matrix(test))}</section>
<section><h2>Calibration (test images)</h2><figure>${drawing(calibrationFigure(test.calibration), "Share that is right over the probability given")}<figcaption>Share that is right over the probability given, in ${test.calibration.length} bins; the dashed line is where they agree.</figcaption></figure></section>
<section class="wide"><h2>Training</h2>${curves(curve, best)}</section>
</div>
${wrongImages(wrong, test.images)}`,
  });
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
<thead><tr><td></td><th scope="col">test <small>${test.images} images</small></th><th scope="col">validation <small>${validation.images} images</small></th></tr></thead>
<tbody>${rows.map(([name, key]) => html`<tr><th scope="row">${name}</th>${scoreCell(test[key])}${scoreCell(validation[key])}</tr>`)}<tr><th scope="row">loss</th><td>${loss(test)}</td><td>${loss(validation)}</td></tr></tbody>
</table>`;
}

function curves(curve: readonly ReportEpoch[], best: number): Html {
  const figure = (lines: readonly EpochLine[], share: boolean): Html => linesFigure({ lines, best, share });
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
<thead><tr><td></td>${classes.map((c) => html`<th scope="col">${c.label}</th>`)}</tr></thead>
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
