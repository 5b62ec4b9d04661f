/**
 * @file Observable Plot without a browser: figures are drawn into a small DOM and given as SVG text, so that they can
 * be put into a page, written as files and compared as snapshots.
 */
import * as Plot from "@observablehq/plot";
import { parseHTML } from "linkedom";

const { document } = parseHTML("<!doctype html><html><body></body></html>");

/** The figure as SVG text; colours follow the page through currentColor. */
export function svg(options: Plot.PlotOptions): string {
  const figure = Plot.plot({ ...options, document: document as unknown as Document });
  figure.setAttribute("xmlns", "http://www.w3.org/2000/svg");
  return figure.outerHTML;
}

/** Okabe and Ito's palette, distinguishable with every kind of colour vision; black and yellow left out. */
export const PALETTE = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00"] as const;
