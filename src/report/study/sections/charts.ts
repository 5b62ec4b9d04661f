/** @file The sections that are mostly drawings: curves, images' scores, ranks. */
import { measured, titleOf } from "../../../study/analysis/findings.js";
import type { Ranking, StudyAnalysis } from "../../../study/analysis/types.js";
import { counted } from "../../../study/analysis/words.js";
import { decimals, pValue } from "../../../study/results/tables/table.js";
import { type Html, html } from "../../html.js";
import { drawing } from "../../parts.js";
import { MOST_DOTS } from "../figures/distribution.js";
import type { StudyFigures } from "../figures/study-figures.js";
import type { Section } from "../page.js";
import type { StudyReport } from "../types.js";
import { dot, keys, NOTHING } from "./parts.js";

export function curvesSection({ analysis }: StudyReport, { curves }: StudyFigures): readonly Section[] {
  if (curves.length === 0) return [];
  const { datasets, models, methods } = analysis;
  const random = methods.some((m) => m.control && m.id === "random")
    ? html`<li><i class="dash"></i>random map</li>`
    : NOTHING;
  const scoresOf = (of: (typeof curves)[number]): readonly Html[] =>
    analysis.cells
      .filter((c) => c.dataset === of.dataset && c.model === of.model && c.metric === of.metric && !c.control)
      .map(({ method, score }) => html`<span>${dot(analysis, method)}${decimals(score.mean)}</span>`);
  const blocks = datasets.map(({ id, title }) => {
    const panels = measured(analysis).flatMap((metric) => {
      const shown = curves.filter((c) => c.dataset === id && c.metric === metric.id);
      return shown.length === 0
        ? []
        : [
            html`<section><h4>${metric.title}</h4><div class="charts">${shown.map((f) => html`<figure><figcaption><b>${titleOf(models, f.model)}</b>${scoresOf(f)}</figcaption>${drawing(f.svg, f.description)}</figure>`)}</div></section>`,
          ];
    });
    return html`<div class="card"><h3>${title}</h3><div class="panels" style="--n:${models.length}">${panels}</div></div>`;
  });
  return [
    {
      id: "curves",
      short: "Curves",
      title: "Curves",
      lead: `The explained class's probability as pixels come back (Insertion: the sooner it rises, the better) or go (Deletion: the sooner it falls, the better), the most important first. Mean over images; the band is the mean's pointwise ${Math.round(100 * analysis.settings.level)}% interval, its variance by groups. Beside each model's name: the area under the curve, which is the score.`,
      body: html`${keys(analysis, random)}${blocks}`,
    },
  ];
}

export function distributionsSection(
  { analysis }: StudyReport,
  { distributions }: StudyFigures,
): readonly Section[] {
  if (distributions.length === 0) return [];
  const many = analysis.datasets.some((d) => d.images.length > MOST_DOTS);
  const drawn = many
    ? `The thin line is from the lowest to the highest score; more than ${MOST_DOTS} images are not drawn one by one.`
    : "A dot is an image.";
  return [
    {
      id: "images",
      short: "Images",
      title: "Image by image",
      lead: `A mean of 0.5 may be all images at 0.5, or half of them at 0.9. ${drawn} The box holds the middle half of the images, the stroke in it is the median.`,
      body: html`${keys(analysis)}<div class="sets two">${analysis.datasets.map(({ id, title }) => {
        const own = distributions.filter((f) => f.dataset === id);
        return own.length === 0
          ? NOTHING
          : html`<div class="card"><h3>${title}</h3><div class="charts">${own.map((f) => html`<figure>${drawing(f.svg, f.description)}</figure>`)}</div></div>`;
      })}</div>`,
    },
  ];
}

/** What a card adds to the width of what is in it. */
const CARD = 39;

export function rankingSection({ analysis }: StudyReport, { rankings }: StudyFigures): readonly Section[] {
  if (rankings.length === 0) return [];
  const widest = Math.max(...rankings.map(({ svg }) => Number(/ width="(\d+)"/.exec(svg)?.[1] ?? 0)));
  const cards = rankings.map((f) => {
    const found = analysis.rankings.find((r) => r.dataset === f.dataset && r.metric === f.metric);
    const where = f.dataset === null ? "All data sets together" : titleOf(analysis.datasets, f.dataset);
    const title = `${where}, ${titleOf(analysis.metrics, f.metric)}`;
    return html`<div class="card"><h3>${title}</h3><figure><div class="over" role="region" aria-label="Mean ranks: ${title}" tabindex="0">${drawing(f.svg, f.description)}</div><figcaption>${found === undefined ? NOTHING : saidOf(analysis, found)}</figcaption></figure></div>`;
  });
  return [
    {
      id: "ranks",
      short: "Ranks",
      title: "Who is ahead, image for image",
      lead: `Each image ranks the rows; a row stands at its mean rank, the best on the left. Rows under one bar cannot be told apart: their mean ranks differ by less than Nemenyi's critical difference (CD) at α = ${analysis.settings.alpha}.`,
      body: html`<div class="sets ranks" style="--wide:${widest + CARD}px">${cards}</div>`,
    },
  ];
}

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

function saidOf({ settings }: StudyAnalysis, ranking: Ranking): Html {
  const { friedman, blocks, reason } = ranking;
  if (friedman === null) return html`${reason ?? "Friedman's test is undefined."}`;
  const { statistic, df, p, w } = friedman;
  const same = p < settings.alpha ? "the rows differ" : "no difference between rows was found";
  return html`${capital(same)}: Friedman χ²(${df}) = ${statistic.toFixed(1)}, p ${p < 0.001 ? "< 0.001" : `= ${pValue(p)}`}, ${counted(blocks, "independent image")}, which agree with Kendall's W = ${w.toFixed(2)}.`;
}
