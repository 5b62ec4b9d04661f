/** @file Every comparison that the answer rests on, how fine the sets can tell, and whether orders agree. */
import { titleOf } from "../../../study/analysis/findings.js";
import type { Comparison, StudyAnalysis } from "../../../study/analysis/types.js";
import { decimals, pValue, range } from "../../../study/results/tables/table.js";
import { type Html, html } from "../../html.js";
import { scrolled } from "../../parts.js";
import type { Section } from "../page.js";
import type { StudyReport } from "../types.js";
import { NOTHING, plainTable } from "./parts.js";

export function testsSection({ analysis }: StudyReport): Section {
  const { settings } = analysis;
  const tested = settings.test === "wilcoxon" ? "Wilcoxon's signed ranks" : "sign flips of whole groups";
  return {
    id: "tests",
    short: "Tests",
    title: "Tests",
    lead: `Pairs on the same images, ${tested}, differences averaged within groups first, Holm's correction over the comparisons of one kind in one column, α = ${settings.alpha}. No significant difference is not the same as no difference: the last column says what could have been found with power ${settings.power}.`,
    body: html`${detectable(analysis)}${pairs(analysis, "methods", "Two methods on one model")}${pairs(analysis, "models", "Two models under one method")}${agreement(analysis)}`,
  };
}

function detectable({ detectability, datasets, metrics }: StudyAnalysis): Html {
  if (detectability.length === 0) return NOTHING;
  return html`<div class="card"><b>How small a difference the sets can tell</b><ul class="more">${detectability.map((d) => html`<li>${titleOf(datasets, d.dataset)}, ${titleOf(metrics, d.metric)}: ${d.sentence}</li>`)}</ul></div>`;
}

function pairs(analysis: StudyAnalysis, kind: Comparison["kind"], title: string): Html {
  const own = analysis.comparisons.filter((c) => c.kind === kind);
  if (own.length === 0) return NOTHING;
  const table = plainTable(
    "Difference a − b with its interval; effect: matched-pairs rank-biserial correlation; wins: share of groups in which a is better",
    ["data set", "metric", "a", "b", "difference", "p (Holm)", "effect", "wins", "detectable"],
    own.map((c) => [
      titleOf(analysis.datasets, c.dataset),
      titleOf(analysis.metrics, c.metric),
      sideOf(analysis, c, "a"),
      sideOf(analysis, c, "b"),
      html`${decimals(c.difference.mean)} <small>${range(c.difference.interval)}</small>`,
      c.test === null ? html`<span title="${c.reason ?? ""}">–</span>` : pValue(c.test.adjusted),
      decimals(c.effect?.rankBiserial ?? null, 2),
      c.effect === null ? "–" : `${Math.round(100 * c.effect.wins)}%`,
      decimals(c.detectable),
    ]),
    [1, 2, 3],
  );
  return html`<details class="card"><summary>${title} (${own.length})</summary>${scrolled(title, table)}</details>`;
}

/** The side that is significantly better is bold. */
function sideOf({ models }: StudyAnalysis, comparison: Comparison, side: "a" | "b"): Html {
  const { model, method } = comparison[side];
  const name = `${titleOf(models, model)} · ${method}`;
  const won = comparison.better === side && comparison.test?.significant === true;
  return won ? html`<b>${name}</b>` : html`${name}`;
}

function agreement({ agreements, datasets, metrics }: StudyAnalysis): Html {
  if (agreements.length === 0) return NOTHING;
  const name = (id: string): string => titleOf([...datasets, ...metrics], id);
  const rho = (r: { readonly value: number; readonly p: number | null } | null): string =>
    r === null ? "–" : `${decimals(r.value, 2)} (p ${pValue(r.p)})`;
  const table = plainTable(
    "Do two metrics on one data set, or two data sets by one metric, order the rows alike? Better counts as larger for all.",
    ["within", "a", "b", "rows", "Kendall's τ", "Spearman's ρ"],
    agreements.map((g) => [name(g.within), name(g.a), name(g.b), g.n, rho(g.kendall), rho(g.spearman)]),
    [1, 2],
  );
  return html`<div class="card">${scrolled("Agreement", table)}</div>`;
}
