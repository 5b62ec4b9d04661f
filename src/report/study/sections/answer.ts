/** @file What is read first: the question, the answer, how sure it is, and what to mind before believing it. */
import { measured, titleOf } from "../../../study/analysis/findings.js";
import type { Confidence, StudyAnalysis } from "../../../study/analysis/types.js";
import { counted } from "../../../study/analysis/words.js";
import { type Html, html } from "../../html.js";
import type { StudyFigures } from "../figures/study-figures.js";
import { drawing, type Section } from "../page.js";
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
  const { answer, datasets, warnings } = analysis;
  const mind =
    warnings.length === 0
      ? NOTHING
      : html`<div class="card mind"><b>Before you believe it</b><ul>${warnings.map((w) => html`<li>${w}</li>`)}</ul></div>`;
  const points =
    answer.points.length === 0
      ? NOTHING
      : html`<div class="card"><b>What else was found</b><ul class="more">${answer.points.map((p) => html`<li>${p}</li>`)}</ul></div>`;
  const random = analysis.methods.some((m) => m.control && m.id === "random")
    ? html`<li><i class="stroke"></i>a random map on the same model</li>`
    : NOTHING;
  return {
    id: "answer",
    short: "Answer",
    title: "The answer, and how sure it is",
    lead: "Faithful means: the pixels that a map calls important are those that the model's answer hangs on. Significance is after Holm's correction over all pairs of rows.",
    body: html`<div class="sets">${answer.datasets.map((d) => html`<div class="card"><h3>${titleOf(datasets, d.dataset)} ${badge(d.confidence)}</h3><p>${d.sentence}</p></div>`)}</div>
${mind}
<div class="card">${keys(analysis, random)}<div class="charts wide">${figures.means.map((f) => html`<figure>${drawing(f.svg, f.description)}<figcaption><b>${titleOf(datasets, f.dataset)}, ${f.metric}</b> <span class="name">means with ${Math.round(100 * analysis.settings.level)}% intervals</span></figcaption></figure>`)}</div></div>
${points}`,
  };
}
