/** @file One image with the maps of models over it: what the gallery and the misclassified images are made of. */
import { titleOf } from "../../../study/analysis/findings.js";
import type { StudyAnalysis } from "../../../study/analysis/types.js";
import { decimals } from "../../../study/results/tables/table.js";
import { type Html, html } from "../../html.js";
import type { ShownImage, ShownMap, ShownModel, ShownScore } from "../types.js";
import { dot, NOTHING } from "./parts.js";

/** Moves all heat maps of the page; there only where scripts run. */
export const heatSlider = (id: string): Html =>
  html`<p class="veil" hidden><span>picture</span><input id="${id}" type="range" min="0" max="100" value="72" data-heat aria-label="From picture to heat map, in percent"><span>heat map</span></p>`;

/** The picture with the map over it; on a plain ground where there is no picture. */
export function layered(
  { picture, size: [height, width] }: ShownModel,
  heat: string,
  description: string,
): Html {
  const below = picture === null ? NOTHING : html`<img alt="" src="${picture}">`;
  return html`<div class="lay" role="img" aria-label="${description}" style="aspect-ratio:${width}/${height}">${below}<img class="heat" alt="" src="${heat}"></div>`;
}

/** "Insertion 0.618" */
export const scoreOf =
  ({ metrics }: StudyAnalysis) =>
  ({ metric, score, reason, cell }: ShownScore): Html =>
    html`<span class="score" title="${reason ?? `cell ${cell}`}"><i>${titleOf(metrics, metric)}</i> ${score === null ? "undefined" : decimals(score)}</span>`;

export function mapFigure(
  analysis: StudyAnalysis,
  image: ShownImage,
  shown: ShownModel,
  map: ShownMap,
): Html {
  const scores = shown.scores.filter((s) => s.method === map.method);
  return html`<figure>${layered(shown, map.heat, `${map.method} of ${shown.model} over ${image.name}`)}<figcaption>${dot(analysis, map.method)}<b>${map.method}</b>${scores.map(scoreOf(analysis))}</figcaption></figure>`;
}

/** "a.png", what is known of it, and why there is no picture. */
export function imageHeader({ name, label, missing, sha256 }: ShownImage, more: Html = NOTHING): Html {
  const truth = label === null ? html`no label` : html`true class <b>${label}</b>`;
  const gone = missing === null ? NOTHING : html`<p class="wrong">${missing}</p>`;
  return html`<header><h3>${name}</h3><p>${truth}</p>${more}<p class="hash last" title="SHA-256 of the file: ${sha256}">sha256 ${sha256.slice(0, 12)}</p>${gone}</header>`;
}
