/** @file The table at a glance: each row's mean with its interval, and how far it is from a random map. */
import * as Plot from "@observablehq/plot";
import { FIGURE_STYLE, svg } from "../../svg.js";
import { colorOf, type FigureRow, type MethodColors, roughWidth } from "./figure.js";

export interface MeanRow extends FigureRow {
  readonly mean: number;
  readonly interval: readonly [number, number] | null;
  /** What a random map scores on the same model; null where there is none. */
  readonly random: number | null;
}

export interface RowsFigure {
  readonly xLabel: string;
  readonly colors: MethodColors;
}

/** Labels longer than this are cut; the table has them whole. */
const LONGEST = 30;
export const ROW_HEIGHT = 21;

const short = (text: string): string => (text.length > LONGEST ? `${text.slice(0, LONGEST - 1)}…` : text);

/** "DINO · grad-cam", and how much room all of them take. */
export function rowLabels(rows: readonly FigureRow[]) {
  const labels = rows.map(({ model, method }) => short(`${model} · ${method}`));
  return { labels, width: Math.ceil(Math.max(0, ...labels.map(roughWidth))) + 14 };
}

/** The y axis of a figure of rows, and its frame. */
export function rowFrame(rows: readonly FigureRow[], { colors, xLabel }: RowsFigure) {
  const { labels, width } = rowLabels(rows);
  return {
    width: width + 300,
    height: rows.length * ROW_HEIGHT + 48,
    marginLeft: width,
    marginRight: 18,
    marginTop: 10,
    marginBottom: 38,
    style: FIGURE_STYLE,
    y: { type: "band", domain: rows.map((_, i) => i), padding: 0.2, axis: null },
    x: { label: xLabel, labelAnchor: "center", labelArrow: "none", ticks: 5, tickSize: 4, nice: true },
    marks: [
      Plot.gridX({ ticks: 5, strokeOpacity: 0.12 }),
      Plot.text(rows, {
        y: (_, i: number) => i,
        text: (_, i: number) => labels[i] ?? "",
        frameAnchor: "left",
        textAnchor: "end",
        dx: -8,
        fill: (row: FigureRow) => colorOf(colors, row.method),
      }),
    ],
    color: { type: "identity" },
  } as const;
}

export function meansFigure(rows: readonly MeanRow[], options: RowsFigure): string {
  const { marks, ...frame } = rowFrame(rows, options);
  const color = ({ method }: FigureRow): string => colorOf(options.colors, method);
  const at = (_: unknown, i: number): number => i;
  return svg({
    ...frame,
    marks: [
      ...marks,
      Plot.tickX(rows, { y: at, x: "random", stroke: "currentColor", strokeOpacity: 0.45, strokeWidth: 2 }),
      Plot.ruleY(rows, {
        y: at,
        x1: (r: MeanRow) => r.interval?.[0] ?? r.mean,
        x2: (r: MeanRow) => r.interval?.[1] ?? r.mean,
        stroke: color,
        strokeWidth: 3,
        strokeLinecap: "round",
      }),
      Plot.dot(rows, { y: at, x: "mean", fill: color, r: 4.5 }),
    ],
  });
}
