/** @file Every setting and hash: what one needs to do the study again, or to find out why theirs came out otherwise. */
import { titleOf } from "../../../study/analysis/findings.js";
import type { StudyDeclaration } from "../../../study/types.js";
import { type Html, html } from "../../html.js";
import { scrolled } from "../../parts.js";
import type { Section } from "../page.js";
import { lastName, withoutFolders } from "../paths.js";
import type { StudyReport } from "../types.js";
import { NOTHING, plainTable } from "./parts.js";

/** Images listed with their hashes; those of larger sets are in the scores. */
const MOST_LISTED = 500;

export function settingsSection(report: StudyReport): Section {
  const { study, analysis, version } = report;
  const { declaration } = study;
  const known = pathsOf(declaration);
  return {
    id: "settings",
    short: "Settings",
    title: "Every setting and hash",
    lead: "study.json holds the same for programs. What a method or a model settles by itself (a layer, a size) is given as it was settled.",
    body: html`<div class="card"><h3>Study</h3>${facts({
      title: declaration.title,
      "class explained": declaration.class,
      seed: declaration.seed,
      controls: declaration.controls.join(", ") || "none",
      statistics: settled({ ...declaration.statistics }),
      run: settled({ ...declaration.run }),
      vitreous: version,
    })}</div>
<div class="card"><h3>Methods and metrics</h3>${facts(
      Object.fromEntries(
        [...declaration.methods, ...declaration.metrics].map(({ id, spec, parameters }) => [
          id,
          html`<code>${spec}</code> ${settled(parameters)}`,
        ]),
      ),
    )}</div>
${declaration.datasets.map((d) => dataset(report, d, known))}
${study.checkpoints.map((c) => {
  const given = declaration.models.find((m) => m.id === c.model)?.checkpoints[c.dataset];
  const { source, warnings, ...preprocessing } = c.preprocessing;
  return html`<div class="card"><h3>${titleOf(analysis.models, c.model)} <span class="badge">${titleOf(analysis.datasets, c.dataset)}</span></h3>${facts(
    {
      checkpoint: given === undefined ? "–" : lastName(given.path),
      "SHA-256 of the weights": c.sha256,
      ...(c.fingerprint === null ? {} : { "SHA-256 of all files": c.fingerprint }),
      family: c.family,
      "image size": c.image.join(" × "),
      "opened with": shortened(c.options, known),
      preprocessing: shortened(preprocessing, known),
      "preprocessing from": withoutFolders(source, known),
      classes: c.labels.length > 30 ? `${c.labels.length}` : c.labels.join(", "),
      ...Object.fromEntries(
        Object.entries(c.methods).map(([id, p]) => [`${id} settled`, shortened(p, known)]),
      ),
      ...Object.fromEntries(
        Object.entries(c.refused).map(([id, why]) => [`${id} refused`, withoutFolders(why, known)]),
      ),
      ...notes([...c.notes, ...warnings], known),
    },
  )}</div>`;
})}`,
  };
}

export const pathsOf = ({ datasets, models }: StudyDeclaration): readonly string[] => [
  ...datasets.flatMap((d) => [d.path, ...(d.splits === null ? [] : [d.splits])]),
  ...models.flatMap((m) =>
    Object.values(m.checkpoints).flatMap((c) => [
      c.path,
      ...[c.head, c.preprocess, c.labels].flatMap((path) => (path === null ? [] : [path])),
    ]),
  ),
];

function dataset(
  { study, analysis }: StudyReport,
  declared: StudyDeclaration["datasets"][number],
  known: readonly string[],
): Html {
  const { id, title, path, split, splits, images, select } = declared;
  const stored = study.datasets.find((d) => d.dataset.id === id);
  const own = analysis.datasets.find((d) => d.id === id)?.images ?? [];
  const list =
    own.length > MOST_LISTED
      ? html`<p>${own.length} images: image and image_sha256 of scores.parquet.</p>`
      : html`<details><summary>The ${own.length} images</summary>${scrolled(
          `Images of ${title}`,
          plainTable(
            "In the order of selection",
            ["image", "class", "group", "SHA-256"],
            own.map((i) => [
              i.name,
              i.label ?? "–",
              i.group ?? "–",
              html`<span class="hash">${i.sha256}</span>`,
            ]),
            [1, 2, 3],
          ),
        )}</details>`;
  return html`<div class="card"><h3>${title}</h3>${facts({
    "as tables call it": id,
    folder: lastName(path),
    split: split ?? "all",
    ...(splits === null ? {} : { splits: lastName(splits) }),
    "images at most": images ?? "all",
    "chosen by": select,
    ...(stored === undefined ? {} : { "of which there are": stored.available }),
    ...notes(stored?.notes ?? [], known),
  })}${list}</div>`;
}

const notes = (all: readonly string[], known: readonly string[]): Readonly<Record<string, string>> =>
  all.length === 0 ? {} : { notes: all.map((n) => withoutFolders(n, known)).join("; ") };

type Fact = string | number | boolean | Html | Readonly<Record<string, unknown>>;

const isHtml = (value: object): value is Html => "text" in value && Object.keys(value).length === 1;

function facts(entries: Readonly<Record<string, Fact>>): Html {
  const value = (v: Fact): Html | string =>
    typeof v === "object" ? (isHtml(v) ? v : settled(v)) : String(v);
  return html`<dl class="facts">${Object.entries(entries).map(([k, v]) => html`<dt>${k}</dt><dd>${value(v)}</dd>`)}</dl>`;
}

/** "layer = auto, …" */
function settled(values: Readonly<Record<string, unknown>>): Html {
  const parts = Object.entries(values).map(
    ([k, v]) => `${k} = ${typeof v === "string" ? v : JSON.stringify(v)}`,
  );
  return parts.length === 0 ? NOTHING : html`<code>${parts.join(", ")}</code>`;
}

/** All strings in it without folders. */
function shortened(
  values: Readonly<Record<string, unknown>>,
  known: readonly string[],
): Readonly<Record<string, unknown>> {
  const text = JSON.stringify(values, (_, v: unknown) =>
    typeof v === "string" ? withoutFolders(v, known) : v,
  );
  return JSON.parse(text) as Readonly<Record<string, unknown>>;
}
