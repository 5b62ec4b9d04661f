/** @file Scores of single images, a row for each map: a mean says little where some images score 0.9 and others 0.1. */
import * as Plot from "@observablehq/plot";
import type { Spread } from "../../../study/analysis/types.js";
import { svg } from "../../svg.js";
import { colorOf, type FigureRow, shapeOf } from "./figure.js";
import { ROW_HEIGHT, type RowsFigure, rowFrame } from "./means.js";

export interface DistributionRow extends FigureRow {
  readonly values: readonly (number | null)[];
  readonly spread: Spread;
  readonly mean: number;
}

/** Of more images, dots would be a smear: quartiles and range alone are drawn. */
export const MOST_DOTS = 300;

const BOX = ROW_HEIGHT * 0.66;

/** Where dots lie across their row: a fixed sequence that fills it evenly, so that a figure is the same every time. */
const spreadOut = (i: number): number => ((i * 0.618034) % 1) - 0.5;

export function distributionFigure(rows: readonly DistributionRow[], options: RowsFigure): string {
  const { frame, placed, marks } = rowFrame(rows, options);
  const color = (r: FigureRow): string => colorOf(options.colors, r.method);
  const dots = placed.flatMap((row) =>
    row.values.length > MOST_DOTS
      ? []
      : row.values.flatMap((value, i) =>
          value === null
            ? []
            : [{ value, y: row.y + 0.6 * ROW_HEIGHT * spreadOut(i), color: color(row), of: row.method }],
        ),
  );
  const quantile = (q: 0 | 1 | 2 | 3 | 4) => (r: DistributionRow) => r.spread.quantiles[q];
  return svg({
    ...frame,
    marks: [
      ...marks,
      Plot.ruleY(placed, {
        y: "y",
        x1: quantile(0),
        x2: quantile(4),
        stroke: color,
        strokeOpacity: (r: DistributionRow) => (r.values.length > MOST_DOTS ? 0.8 : 0),
      }),
      Plot.rect(placed, {
        y1: (r: { readonly y: number }) => r.y - BOX / 2,
        y2: (r: { readonly y: number }) => r.y + BOX / 2,
        x1: quantile(1),
        x2: quantile(3),
        fill: color,
        fillOpacity: 0.25,
      }),
      Plot.dot(dots, {
        x: "value",
        y: "y",
        fill: "color",
        fillOpacity: 0.65,
        r: 1.8,
        symbol: (d: { readonly of: string }) => shapeOf(options.colors, d.of),
      }),
      Plot.ruleX(placed, {
        y1: (r: { readonly y: number }) => r.y - BOX / 2 - 1,
        y2: (r: { readonly y: number }) => r.y + BOX / 2 + 1,
        x: quantile(2),
        stroke: color,
        strokeWidth: 2.4,
      }),
    ],
  });
}
