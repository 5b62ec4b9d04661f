/** @file Images that models take for another class: what they looked at then, and what that did to the curves. */
import { titleOf } from "../../../study/analysis/findings.js";
import type { StudyAnalysis } from "../../../study/analysis/types.js";
import { counted } from "../../../study/analysis/words.js";
import { type CurveLine, curvesFigure } from "../../curves.js";
import { type Html, html } from "../../html.js";
import { shareLabel } from "../figures/study-figures.js";
import { drawing, type Section } from "../page.js";
import type { ShownImage, ShownModel, StudyReport } from "../types.js";
import { keys, NOTHING, percent } from "./parts.js";
import { heatSlider, imageHeader, mapFigure } from "./shown.js";

export function misclassifiedSection({ analysis, misclassified }: StudyReport): readonly Section[] {
  const labelled = analysis.datasets.filter((d) => d.images.some((i) => i.label !== null));
  if (labelled.length === 0) return [];
  const blocks = labelled.map(({ id, title }) => {
    const own = misclassified.find((m) => m.dataset === id);
    if (own === undefined || own.count === 0)
      return html`<h3>${title}</h3><p class="card">No labelled image is taken for another class by any model.</p>`;
    const all =
      own.count > own.shown.length
        ? `; shown are ${counted(own.shown.length, "image")}, those that most models get wrong first`
        : "";
    return html`<h3>${title}</h3><p class="lead">${counted(own.count, "image is", "images are")} taken for another class by at least one model${all}.</p>${own.shown.map((image) => card(analysis, image))}`;
  });
  const shown = misclassified.some((m) => m.shown.some((i) => i.models.some((s) => s.maps.length > 0)));
  return [
    {
      id: "wrong",
      short: "Mistakes",
      title: "What the models got wrong",
      lead: "A map explains the class that was explained, not the image: over a mistake it shows what spoke for the mistake. A faithful map of a wrong answer is the one that helps to find out why it is wrong.",
      body: html`${shown ? heatSlider("heat-wrong") : NOTHING}${keys(analysis)}${blocks}`,
    },
  ];
}

function card(analysis: StudyAnalysis, image: ShownImage): Html {
  const wrong = html`<p class="wrong">wrong: ${image.models.map((m) => titleOf(analysis.models, m.model)).join(", ")}</p>`;
  return html`<article class="card shown">${imageHeader(image, wrong)}${image.models.map((m) => wrongCase(analysis, image, m))}</article>`;
}

function wrongCase(analysis: StudyAnalysis, image: ShownImage, shown: ShownModel): Html {
  const { predicted, truth, explained } = shown;
  const bar = (kind: string, label: string, probability: number | null): Html =>
    html`<li style="--p:${((probability ?? 0) * 100).toFixed(1)}%"><span>${kind} <b>${label}</b></span><b>${probability === null ? "none of its classes" : percent(probability)}</b></li>`;
  const bars = html`<ul class="bars">${bar("took it for", predicted.label, predicted.probability)}${bar("it is", truth?.label ?? image.label ?? "", truth?.probability ?? null)}</ul>`;
  const of = explained === null ? NOTHING : html` <span>maps and curves are of ${explained}</span>`;
  return html`<section class="case"><h4>${titleOf(analysis.models, shown.model)}${of}</h4><div>${bars}<div class="maps">${shown.maps.map((map) => mapFigure(analysis, image, shown, map))}</div></div><div class="curves">${curves(analysis, image, shown)}</div></section>`;
}

function curves({ methods, metrics }: StudyAnalysis, { name }: ShownImage, { scores, model }: ShownModel) {
  const names = methods.filter((m) => !m.control).map((m) => m.id);
  return metrics.flatMap(({ id }) => {
    const own = scores.filter((s) => s.metric === id && s.curve.length > 1);
    const lines = own
      .filter((s) => !s.control || s.method === "random")
      .map(({ method, curve, control }): CurveLine => ({ name: method, curve, control }));
    if (lines.length === 0) return [];
    const svg = curvesFigure(lines, { xLabel: shareLabel(id), names });
    const cells = own.filter((s) => !s.control).map((s) => s.cell.slice(0, 12));
    return [
      html`<figure>${drawing(svg, `${id} curves of ${model} for ${name}`)}<figcaption><b>${id}</b> <span class="hash">${cells.join(" ")}</span></figcaption></figure>`,
    ];
  });
}
