/** @file Scores of single images, a row for each map: a mean says little where some images score 0.9 and others 0.1. */
import * as Plot from "@observablehq/plot";
import type { Spread } from "../../../study/analysis/types.js";
import { svg } from "../../svg.js";
import { colorOf, type FigureRow } from "./figure.js";
import { ROW_HEIGHT, type RowsFigure, rowFrame } from "./means.js";

export interface DistributionRow extends FigureRow {
  readonly values: readonly (number | null)[];
  readonly spread: Spread;
  readonly mean: number;
}

/** Of more images, dots would be a smear: quartiles and range alone are drawn. */
export const MOST_DOTS = 300;

/** Where dots lie across their row: a fixed sequence that fills it evenly, so that a figure is the same every time. */
const spreadOut = (i: number): number => ((i * 0.618034) % 1) - 0.5;

export function distributionFigure(rows: readonly DistributionRow[], options: RowsFigure): string {
  const { marks, ...frame } = rowFrame(rows, options);
  const color = (r: FigureRow): string => colorOf(options.colors, r.method);
  const dots = rows.flatMap((row, at) => {
    if (row.values.length > MOST_DOTS) return [];
    return row.values.flatMap((value, i) => (value === null ? [] : [{ at, value, i, color: color(row) }]));
  });
  const byPlace = new Map<number, typeof dots>();
  for (const dot of dots) {
    // A mark is shifted as a whole, so each of a few lanes is a mark of its own.
    const lane = Math.round(spreadOut(dot.i) * 6);
    byPlace.set(lane, [...(byPlace.get(lane) ?? []), dot]);
  }
  const at = (_: unknown, i: number): number => i;
  const quantile = (q: 0 | 1 | 2 | 3 | 4) => (r: DistributionRow) => r.spread.quantiles[q];
  return svg({
    ...frame,
    marks: [
      ...marks,
      ...[...byPlace].map(([lane, own]) =>
        Plot.dot(own, {
          y: "at",
          x: "value",
          fill: "color",
          fillOpacity: 0.5,
          r: 1.7,
          dy: lane * (ROW_HEIGHT / 10),
        }),
      ),
      Plot.ruleY(rows, {
        y: at,
        x1: quantile(0),
        x2: quantile(4),
        stroke: color,
        strokeOpacity: (r: DistributionRow) => (r.values.length > MOST_DOTS ? 0.8 : 0),
      }),
      Plot.ruleY(rows, {
        y: at,
        x1: quantile(1),
        x2: quantile(3),
        stroke: color,
        strokeOpacity: 0.28,
        strokeWidth: ROW_HEIGHT * 0.6,
      }),
      Plot.tickX(rows, {
        y: at,
        x: quantile(2),
        stroke: color,
        strokeWidth: 2.2,
        insetTop: 1,
        insetBottom: 1,
      }),
    ],
  });
}
