/** @file What could not be computed, and which scores have no value, with their reasons. */
import { titleOf } from "../../../study/analysis/findings.js";
import { counted } from "../../../study/analysis/words.js";
import { html } from "../../html.js";
import { scrolled } from "../../parts.js";
import type { Section } from "../page.js";
import { withoutFolders } from "../paths.js";
import type { StudyReport } from "../types.js";
import { NOTHING, plainTable } from "./parts.js";
import { pathsOf } from "./settings.js";

export function failuresSection({ analysis, study }: StudyReport): readonly Section[] {
  const { failures, undefinedScores, datasets, models } = analysis;
  if (failures.length === 0 && undefinedScores.count === 0) return [];
  const known = pathsOf(study.declaration);
  const left = html`<div class="card"><b>${counted(undefinedScores.count, "undefined score")}</b>, left out of all means<ul class="more">${undefinedScores.reasons.map((r) => html`<li>${r.reason}: ${r.count}</li>`)}</ul></div>`;
  const table = plainTable(
    "What could not be computed",
    ["data set", "model", "method", "image", "why"],
    failures.map((f) => [
      titleOf(datasets, f.dataset),
      f.model === null ? "–" : titleOf(models, f.model),
      f.method ?? "–",
      f.image ?? "–",
      withoutFolders(f.reason, known),
    ]),
    [1, 2, 3, 4],
  );
  return [
    {
      id: "missing",
      short: "Missing",
      title: "What is missing",
      lead: "Nothing is taken for zero: what is undefined or failed is left out, and counted here.",
      body: html`${undefinedScores.count > 0 ? left : NOTHING}${failures.length > 0 ? html`<div class="card">${scrolled("Failures", table)}</div>` : NOTHING}`,
    },
  ];
}
