/** @file Images that models take for another class: what they looked at then, and what that did to the curves. */
import { DIFFERENCE_COLORS } from "../../../imaging/overlay.js";
import { titleOf } from "../../../study/analysis/findings.js";
import type { StudyAnalysis } from "../../../study/analysis/types.js";
import { counted } from "../../../study/analysis/words.js";
import { type CurveLine, curvesFigure } from "../../curves.js";
import { type Html, html } from "../../html.js";
import { drawing } from "../../parts.js";
import { shareLabel } from "../figures/study-figures.js";
import type { Section } from "../page.js";
import type { ShownImage, ShownMap, ShownModel, ShownScore, StudyReport } from "../types.js";
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
      lead: "A map explains the class that was explained, not the image: over a mistake, one map shows what spoke for the mistake, another what spoke for the truth, and their difference what tipped the scale. A curve follows the probability of the class whose map it is.",
      body: html`<div class="veils">${shown ? heatSlider("heat-wrong") : NOTHING}${keys(analysis, both ? bothKeys() : NOTHING)}</div>${blocks}`,
    },
  ];
}

function card(analysis: StudyAnalysis, image: ShownImage): Html {
  const wrong = html`<p class="wrong">taken for another class by ${image.models.map((m) => titleOf(analysis.models, m.model)).join(", ")}</p>`;
  return html`<article class="card shown">${imageHeader(image, wrong)}${image.models.map((m) => wrongCase(analysis, image, m))}</article>`;
}

function wrongCase(analysis: StudyAnalysis, image: ShownImage, shown: ShownModel): Html {
  const { predicted, truth, explained, views } = shown;
  const bar = (kind: string, label: string, probability: number | null): Html =>
    html`<li style="--p:${((probability ?? 0) * 100).toFixed(1)}%"><span>${kind} <b>${label}</b></span><b>${probability === null ? "none of its classes" : percent(probability)}</b></li>`;
  const bars = html`<ul class="bars">${bar("took it for", predicted.label, predicted.probability)}${bar("it is", truth?.label ?? image.label ?? "", truth?.probability ?? null)}</ul>`;
  const both = views.length === 2;
  const of = both || explained === null ? NOTHING : html` <span>maps and curves are of ${explained}</span>`;
  const maps = both
    ? bothMaps(analysis, image, shown)
    : [
        html`<div class="trio"><div class="maps">${shown.maps.map((map) => mapFigure(analysis, image, shown, map))}</div></div>`,
      ];
  return html`<section class="case"><header><h4>${titleOf(analysis.models, shown.model)}${of}</h4>${bars}</header><div class="evidence">${maps}<div class="curves">${curves(analysis, image, shown)}</div></div></section>`;
}

/** For each method the map of what the model took the image for, of what it is, and their difference. */
function bothMaps(analysis: StudyAnalysis, image: ShownImage, shown: ShownModel): readonly Html[] {
  const { views, differences, maps } = shown;
  const cell = (
    layer: ShownMap | undefined,
    caption: string,
    kind: string,
    scores: readonly ShownScore[],
  ): Html => {
    if (layer === undefined) return html`<figure><figcaption>no map</figcaption></figure>`;
    const description = `${layer.method} of ${shown.model} over ${image.name}: ${kind}, ${caption}`;
    return html`<figure>${layered(shown, layer.heat, description)}<figcaption><span>${kind}</span><b>${caption}</b>${scores.map(scoreOf(analysis))}</figcaption></figure>`;
  };
  return maps.map(
    ({ method }) =>
      html`<div class="trio"><h5>${dot(analysis, method)}${method}</h5><div class="maps three">${views.map(
        (view) =>
          cell(
            view.maps.find((m) => m.method === method),
            view.label,
            KINDS[view.explained],
            view.scores.filter((s) => s.method === method),
          ),
      )}${cell(
        differences.find((m) => m.method === method),
        "difference",
        "taken for − true",
        [],
      )}</div></div>`,
  );
}

const KINDS = { predicted: "taken for", true: "true class" } as const;

/** Along the perturbation of a class's maps, that class's probability; of a mistake explained by both classes, both. */
function curves(
  { methods, metrics }: StudyAnalysis,
  { name }: ShownImage,
  shown: ShownModel,
): readonly Html[] {
  const names = methods.filter((m) => !m.control).map((m) => m.id);
  const sides =
    shown.views.length === 2 ? shown.views : [{ explained: "predicted", scores: shown.scores } as const];
  return metrics.flatMap(({ id, title }) => {
    const lines = sides.flatMap(({ explained, scores }) =>
      scores
        .filter((s) => s.metric === id && s.curve.length > 1 && (!s.control || s.method === "random"))
        .map(
          ({ method, curve, control }): CurveLine => ({
            name: method,
            curve,
            control,
            dashed: explained === "true",
          }),
        ),
    );
    if (lines.length === 0) return [];
    const svg = curvesFigure(lines, { xLabel: shareLabel(id), names, width: 216, height: 196 });
    return [
      html`<figure><figcaption><b>${title}</b></figcaption>${drawing(svg, `${title} curves of ${shown.model} for ${name}`)}</figure>`,
    ];
  });
}

/** Which line is of which class, and which colour of a difference. */
const bothKeys = (): Html => {
  const color = (rgb: readonly number[]): string => `rgb(${rgb.join(",")})`;
  const { first, second } = DIFFERENCE_COLORS;
  return html`<li><i class="dash whole"></i>curve of the class it was taken for</li><li><i class="dash"></i>of the true class</li><li>difference: <i class="dot" style="background:${color(first)}"></i>more for what it was taken for</li><li><i class="dot" style="background:${color(second)}"></i>more for what it is</li>`;
};
