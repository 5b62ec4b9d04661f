/** @file The same image through all models and methods, side by side. */
import { titleOf } from "../../../study/analysis/findings.js";
import type { StudyAnalysis } from "../../../study/analysis/types.js";
import { type Html, html } from "../../html.js";
import type { Section } from "../page.js";
import type { ShownImage, ShownModel, StudyReport } from "../types.js";
import { NOTHING, percent } from "./parts.js";
import { heatSlider, imageHeader, mapFigure } from "./shown.js";

export function gallerySection(report: StudyReport, scale: Html): readonly Section[] {
  const { analysis, gallery } = report;
  if (gallery.length === 0) return [];
  const blocks = analysis.datasets.flatMap(({ id, title }) => {
    const own = gallery.filter((g) => g.dataset === id);
    return own.length === 0 ? [] : [html`<h3>${title}</h3>${own.map((image) => card(analysis, image))}`];
  });
  return [
    {
      id: "gallery",
      short: "Gallery",
      title: "The maps",
      lead: "The first images of each data set, as chosen before anything was computed. Each map is scaled to [0, 1] on its own: maps say where, not how much. The picture under a map turns grey, so that a hue always means the map.",
      body: html`<div class="veils">${heatSlider("heat-gallery")}<ul class="keys">${scale}</ul></div>${blocks}`,
    },
  ];
}

function card(analysis: StudyAnalysis, image: ShownImage): Html {
  const [first] = image.models.filter((m) => m.picture !== null);
  const plain =
    first?.picture == null
      ? NOTHING
      : html`<section class="plain"><h4>The image <span>as ${titleOf(analysis.models, first.model)} sees it</span></h4><figure><div class="lay" style="aspect-ratio:${first.size[1]}/${first.size[0]}"><img alt="${image.name}" src="${first.picture}"></div></figure></section>`;
  return html`<article class="card shown">${imageHeader(image)}<div class="beside">${plain}<div class="models">${image.models.map((m) => modelMaps(analysis, image, m))}</div></div></article>`;
}

function modelMaps(analysis: StudyAnalysis, image: ShownImage, shown: ShownModel): Html {
  const { predicted, correct, explained } = shown;
  const verdict = correct === null ? "" : correct ? " right" : " wrong";
  const mark = correct === null ? "" : correct ? " ✓" : " ✗";
  const other =
    explained !== null && explained !== predicted.label
      ? html` <span>explained: ${explained}</span>`
      : NOTHING;
  return html`<section><h4>${titleOf(analysis.models, shown.model)} <span class="${verdict.trim()}">${predicted.label} ${percent(predicted.probability)}${mark}</span>${other}</h4><div class="maps">${shown.maps.map((map) => mapFigure(analysis, image, shown, map))}</div></section>`;
}
