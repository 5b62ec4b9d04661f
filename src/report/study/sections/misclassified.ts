/** @file Images that models take for another class: what they looked at then, and what that did to the curves. */
import { DIFFERENCE_COLORS } from "../../../imaging/overlay.js";
import { titleOf } from "../../../study/analysis/findings.js";
import type { StudyAnalysis } from "../../../study/analysis/types.js";
import { counted } from "../../../study/analysis/words.js";
import { type CurveLine, curvesFigure } from "../../curves.js";
import { type Html, html } from "../../html.js";
import { shareLabel } from "../figures/study-figures.js";
import { drawing, type Section } from "../page.js";
import type { ShownImage, ShownMap, ShownModel, ShownScore, ShownView, StudyReport } from "../types.js";
import { dot, keys, NOTHING, percent } from "./parts.js";
import { heatSlider, imageHeader, layered, mapFigure, scoreOf } from "./shown.js";

export function misclassifiedSection({ analysis, misclassified }: StudyReport): readonly Section[] {
  // Where no label is one of a model's classes, nothing is right or wrong.
  const labelled = analysis.datasets.filter((d) =>
    analysis.accuracy.some((a) => a.dataset === d.id && a.images > a.unlabelled),
  );
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
  const both = misclassified.some((m) => m.shown.some((i) => i.models.some((s) => s.views.length === 2)));
  return [
    {
      id: "wrong",
      short: "Mistakes",
      title: "What the models got wrong",
      lead: "A map explains the class that was explained, not the image: over a mistake, one map shows what spoke for the mistake and another what spoke for the truth. A faithful map of a wrong answer is the one that helps to find out why it is wrong. A curve follows the probability of the class whose map it is.",
      body: html`${shown ? heatSlider("heat-wrong") : NOTHING}${keys(analysis, both ? differenceKeys() : NOTHING)}${blocks}`,
    },
  ];
}

function card(analysis: StudyAnalysis, image: ShownImage): Html {
  const wrong = html`<p class="wrong">wrong: ${image.models.map((m) => titleOf(analysis.models, m.model)).join(", ")}</p>`;
  return html`<article class="card shown">${imageHeader(image, wrong)}${image.models.map((m) => wrongCase(analysis, image, m))}</article>`;
}

function wrongCase(analysis: StudyAnalysis, image: ShownImage, shown: ShownModel): Html {
  const { predicted, truth, explained, views } = shown;
  const bar = (kind: string, label: string, probability: number | null): Html =>
    html`<li style="--p:${((probability ?? 0) * 100).toFixed(1)}%"><span>${kind} <b>${label}</b></span><b>${probability === null ? "none of its classes" : percent(probability)}</b></li>`;
  const bars = html`<ul class="bars">${bar("took it for", predicted.label, predicted.probability)}${bar("it is", truth?.label ?? image.label ?? "", truth?.probability ?? null)}</ul>`;
  const name = titleOf(analysis.models, shown.model);
  if (views.length === 2)
    return html`<section class="case"><h4>${name}</h4><div>${bars}${bothMaps(analysis, image, shown)}</div><div>${views.map((view) => html`<h5>Curves of ${said(view)}</h5><div class="curves">${curves(analysis, image, shown.model, view.scores)}</div>`)}</div></section>`;
  const of = explained === null ? NOTHING : html` <span>maps and curves are of ${explained}</span>`;
  return html`<section class="case"><h4>${name}${of}</h4><div>${bars}<div class="maps">${shown.maps.map((map) => mapFigure(analysis, image, shown, map))}</div></div><div class="curves">${curves(analysis, image, shown.model, shown.scores)}</div></section>`;
}

const said = ({ explained, label }: ShownView): string =>
  `${label} (${explained === "true" ? "true" : "taken for"})`;

/** A row for each method: the map of what the model took the image for, of what it is, and their difference. */
function bothMaps(analysis: StudyAnalysis, image: ShownImage, shown: ShownModel): Html {
  const { views, differences, maps } = shown;
  const cell = (layer: ShownMap | undefined, caption: string, more: Html): Html => {
    if (layer === undefined) return html`<figure><figcaption>no map</figcaption></figure>`;
    const description = `${layer.method} of ${shown.model} over ${image.name}: ${caption}`;
    return html`<figure>${layered(shown, layer.heat, description)}<figcaption>${caption}${more}</figcaption></figure>`;
  };
  return html`${maps.map(
    ({ method }) =>
      html`<h5>${dot(analysis, method)}${method}</h5><div class="maps three">${views.map((view) =>
        cell(
          view.maps.find((m) => m.method === method),
          said(view),
          html`${view.scores.filter((s) => s.method === method).map(scoreOf)}`,
        ),
      )}${cell(
        differences.find((m) => m.method === method),
        "difference",
        NOTHING,
      )}</div>`,
  )}`;
}

/** Along the perturbation of one class's maps, that class's probability. */
function curves(
  { methods, metrics }: StudyAnalysis,
  { name }: ShownImage,
  model: string,
  scores: readonly ShownScore[],
): readonly Html[] {
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

/** Which colour of a difference is which class. */
const differenceKeys = (): Html => {
  const color = (rgb: readonly number[]): string => `rgb(${rgb.join(",")})`;
  const { first, second } = DIFFERENCE_COLORS;
  return html`<li>difference: <i class="dot" style="background:${color(first)}"></i>more for what it was taken for</li><li><i class="dot" style="background:${color(second)}"></i>more for what it is</li>`;
};
