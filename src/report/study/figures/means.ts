/** @file The table at a glance: each row's mean with its interval, and how far it is from a random map. */
import * as Plot from "@observablehq/plot";
import { FIGURE_STYLE, svg } from "../../svg.js";
import { colorOf, type FigureRow, type MethodColors, roughWidth, shapeOf } from "./figure.js";

export interface MeanRow extends FigureRow {
  readonly mean: number;
  readonly interval: readonly [number, number] | null;
  /** What a random map scores on the same model; null where there is none. */
  readonly random: number | null;
}

export interface RowsFigure {
  readonly xLabel: string;
  readonly colors: MethodColors;
  /** Of the x axis: one for all data sets, so that figures beside each other can be compared. */
  readonly domain: readonly [number, number];
}

/** Longer names are cut; the table has them whole. */
const LONGEST = { model: 40, method: 24 } as const;
export const ROW_HEIGHT = 18;
const HEADING = 19;
const GAP = 8;
/** Fits a phone, and four beside each other a desk, without its letters becoming small. */
const WIDTH = 284;
const LEAST_PLOT = 150;
const MARGIN = 14;
/** About so many: more labels would touch on the narrowest plot. */
const TICKS = 4;

const short = (text: string, longest: number): string =>
  text.length > longest ? `${text.slice(0, longest - 1)}…` : text;

/** A row with where it is drawn, in pixels from the top. */
type Placed<Row> = Row & { readonly y: number };

/** The rows below their models' names; `bottom` is where the last one ends. */
function placeRows<Row extends FigureRow>(rows: readonly Row[]) {
  const headings: { readonly model: string; readonly y: number }[] = [];
  let bottom = 0;
  const placed = rows.map((row, i): Placed<Row> => {
    if (row.model !== rows[i - 1]?.model) {
      bottom += i === 0 ? 0 : GAP;
      headings.push({ model: short(row.model, LONGEST.model), y: bottom + HEADING / 2 });
      bottom += HEADING;
    }
    bottom += ROW_HEIGHT;
    return { ...row, y: bottom - ROW_HEIGHT / 2 };
  });
  return { placed, headings, bottom: bottom + 4 };
}

/** The frame of a figure of rows: models' names, below each its methods, and the axis. */
export function rowFrame<Row extends FigureRow>(
  rows: readonly Row[],
  { domain, xLabel }: Omit<RowsFigure, "colors">,
) {
  const { placed, headings, bottom } = placeRows(rows);
  const label = (row: FigureRow): string => short(row.method, LONGEST.method);
  const left = Math.ceil(Math.max(0, ...rows.map((r) => roughWidth(label(r))))) + MARGIN;
  const height = bottom + 40;
  const width = Math.max(WIDTH, left + LEAST_PLOT + MARGIN);
  return {
    placed,
    frame: {
      width,
      height,
      marginLeft: left,
      marginRight: MARGIN,
      marginTop: 0,
      marginBottom: 40,
      style: FIGURE_STYLE,
      y: { domain: [0, height], range: [0, height], axis: null },
      x: {
        domain: [...domain],
        nice: 2 * TICKS,
        label: xLabel,
        labelAnchor: "center",
        labelArrow: "none",
        ticks: TICKS,
        tickSize: 4,
      },
      color: { type: "identity" },
      symbol: { type: "identity" },
    },
    marks: [
      Plot.gridX({ ticks: TICKS, strokeOpacity: 0.12 }),
      Plot.text(headings, {
        y: "y",
        text: "model",
        frameAnchor: "left",
        textAnchor: "start",
        dx: -left,
        fontWeight: 600,
        fill: "currentColor",
      }),
      Plot.text(placed, {
        y: "y",
        text: label,
        frameAnchor: "left",
        textAnchor: "start",
        dx: -left,
        fill: "currentColor",
      }),
    ],
  } as const;
}

export function meansFigure(rows: readonly MeanRow[], options: RowsFigure): string {
  const { frame, placed, marks } = rowFrame(rows, options);
  const color = ({ method }: FigureRow): string => colorOf(options.colors, method);
  return svg({
    ...frame,
    marks: [
      ...marks,
      Plot.ruleX(placed, {
        x: "random",
        y1: (r: Placed<MeanRow>) => r.y - ROW_HEIGHT / 2,
        y2: (r: Placed<MeanRow>) => r.y + ROW_HEIGHT / 2,
        stroke: "currentColor",
        strokeOpacity: 0.5,
        strokeWidth: 2,
      }),
      Plot.ruleY(placed, {
        y: "y",
        x1: (r: MeanRow) => r.interval?.[0] ?? r.mean,
        x2: (r: MeanRow) => r.interval?.[1] ?? r.mean,
        stroke: color,
        strokeWidth: 2.5,
        strokeLinecap: "round",
      }),
      Plot.dot(placed, {
        y: "y",
        x: "mean",
        fill: color,
        symbol: (r: MeanRow) => shapeOf(options.colors, r.method),
        r: 4.5,
      }),
    ],
  });
}
