/** @file What is read first: the question, the answer, how sure it is, and what to mind before believing it. */
import { measured, titleOf } from "../../../study/analysis/findings.js";
import type { Confidence, StudyAnalysis } from "../../../study/analysis/types.js";
import { counted } from "../../../study/analysis/words.js";
import { type Html, html } from "../../html.js";
import { drawing } from "../../parts.js";
import type { StudyFigures } from "../figures/study-figures.js";
import type { Section } from "../page.js";
import type { StudyReport } from "../types.js";
import { keys, NOTHING } from "./parts.js";

const BADGES: Readonly<Record<Confidence, string>> = {
  clear: "clear: significantly best by every metric",
  partial: "partly clear: significantly best by some metrics",
  open: "open: not significantly best by any metric",
};

/** The first word alone, or with what it means. */
const badge = (confidence: Confidence, whole = false): Html =>
  html`<span class="badge ${confidence}">${whole ? BADGES[confidence] : (BADGES[confidence].split(":")[0] ?? "")}</span>`;

export function headerOf({ analysis, study }: StudyReport): Html {
  const { answer, datasets, models, methods, title } = analysis;
  const metrics = measured(analysis);
  const facts = [
    ...datasets.map((d) => `${d.title}: ${sizeOf(d)}`),
    counted(models.length, "model"),
    counted(methods.filter((m) => !m.control).length, "method"),
    counted(metrics.length, "metric"),
  ];
  const unfinished = study.complete
    ? NOTHING
    : html`<p class="card mind"><b>This study is not finished.</b> What follows is of what was computed so far.</p>`;
  return html`<header class="hero">
<h1>${title}</h1>
<p class="asked">${answer.question}</p>
<p class="found">${answer.headline}</p>
${badge(answer.confidence, true)}
<p class="facts">${facts.join(" · ")}</p>
${unfinished}
</header>`;
}

const sizeOf = ({ images, groups }: StudyAnalysis["datasets"][number]): string =>
  `${counted(images.length, "image")}${groups < images.length ? ` in ${counted(groups, "group")}` : ""}`;

export function answerSection({ analysis }: StudyReport, figures: StudyFigures): Section {
  const { answer, datasets, warnings, settings } = analysis;
  const random = analysis.methods.some((m) => m.control && m.id === "random")
    ? html`<li><i class="stroke"></i>random map on the same model</li>`
    : NOTHING;
  const sets = answer.datasets.map(({ dataset, confidence, sentence }) => {
    const own = figures.means.filter((f) => f.dataset === dataset);
    return html`<div class="card"><h3>${titleOf(datasets, dataset)} ${badge(confidence)}</h3><p>${sentence}</p><div class="charts">${own.map((f) => html`<figure>${drawing(f.svg, f.description)}</figure>`)}</div></div>`;
  });
  return {
    id: "answer",
    short: "Answer",
    title: "The answer, and how sure it is",
    lead: `Faithful: the pixels that a map calls important are those that the model's answer hangs on. Means over images with ${Math.round(100 * settings.level)}% intervals; significance is after Holm's correction over all pairs of rows.`,
    body: html`${keys(analysis, random)}<div class="sets two level">${sets}</div>
${listCard("Before you believe it", warnings, "mind")}${listCard("What else was found", answer.points)}`,
  };
}

const listCard = (title: string, items: readonly string[], kind = ""): Html =>
  items.length === 0
    ? NOTHING
    : html`<div class="card ${kind}"><h3>${title}</h3><ul class="more">${items.map((item) => html`<li>${item}</li>`)}</ul></div>`;
