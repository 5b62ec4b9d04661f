/**
 * @file Observable Plot without a browser: figures are drawn into a small DOM and given as SVG text, so that they can
 * be put into a page, written as files and compared as snapshots.
 */
import * as Plot from "@observablehq/plot";
import { parseHTML } from "linkedom";

const { document } = parseHTML("<!doctype html><html><body></body></html>");

/** What all figures have in common: the page's own letters, on its own ground. */
export const FIGURE_STYLE = {
  background: "transparent",
  fontFamily: "inherit",
  fontSize: "11px",
} as const;

/** 0.25 → "25%" */
export const percentTick = (share: number): string => `${Math.round(share * 100)}%`;

/** Coordinates with more digits than any screen has; what is written for people has fewer. */
const LONG_NUMBER = /(\d\.\d{3})\d{3,}/g;

/** The figure as SVG text; colours follow the page through currentColor. Whoever shows it says what it shows. */
export function svg(options: Plot.PlotOptions): string {
  const figure = Plot.plot({ ...options, document: document as unknown as Document });
  figure.setAttribute("xmlns", "http://www.w3.org/2000/svg");
  // Names of marks ("dot", "rule") tell nobody anything, and ARIA has no names for groups without a role.
  for (const mark of figure.querySelectorAll("g[aria-label]")) mark.removeAttribute("aria-label");
  return figure.outerHTML.replace(LONG_NUMBER, "$1");
}

/** Okabe and Ito's palette, distinguishable with every kind of colour vision; black and yellow left out. */
const OKABE_ITO = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00"] as const;

/** Colours of lines; a page may set --line-0, --line-1, … to others that suit its background. */
export const PALETTE: readonly string[] = OKABE_ITO.map((color, i) => `var(--line-${i}, ${color})`);

/** On a dark background the darkest two are lightened. */
export const PALETTE_CSS = {
  light: OKABE_ITO.map((color, i) => `--line-${i}: ${color};`).join(" "),
  dark: ["#4BA3E3", "#FF8A3D", ...OKABE_ITO.slice(2)].map((color, i) => `--line-${i}: ${color};`).join(" "),
} as const;
