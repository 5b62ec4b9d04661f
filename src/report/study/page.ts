/** @file The frame of a study's report: one file that fetches nothing, with a policy that lets nothing else happen. */
import { type Html, html, raw } from "../html.js";
import { STYLE } from "../style.js";
import { SCRIPT, SCRIPT_HASH } from "./script.js";
import { STUDY_STYLE } from "./style.js";

export interface Section {
  readonly id: string;
  /** In the list of contents. */
  readonly short: string;
  readonly title: string;
  /** What it shows and how to read it. */
  readonly lead: string;
  readonly body: Html;
}

interface Page {
  readonly title: string;
  readonly header: Html;
  readonly sections: readonly Section[];
  readonly footer: Html;
}

const POLICY = `default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src '${SCRIPT_HASH}'; base-uri 'none'; form-action 'none'`;

export function studyPage({ title, header, sections, footer }: Page): string {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${raw(POLICY)}">
<meta name="referrer" content="no-referrer">
<title>${title}</title>
<style>${raw(STYLE)}${raw(STUDY_STYLE)}</style>
</head>
<body>
<a class="skip" href="#answer">To the answer</a>
<nav class="to" aria-label="Contents"><ul>${sections.map((s) => html`<li><a href="#${s.id}">${s.short}</a></li>`)}</ul></nav>
${header}
<main>
${sections.map((s) => html`<section id="${s.id}" aria-labelledby="${s.id}-title"><h2 id="${s.id}-title">${s.title}</h2><p class="lead">${s.lead}</p>${s.body}</section>`)}
</main>
<footer>${footer}</footer>
<script>${raw(SCRIPT)}</script>
</body>
</html>
`.text;
}
