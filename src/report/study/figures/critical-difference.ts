/**
 * @file The critical-difference diagram: rows by their mean rank, bars over those that cannot be told apart.
 *
 * Source: Demšar, "Statistical Comparisons of Classifiers over Multiple Data Sets", JMLR 7 (2006), figure 1.
 */
import * as Plot from "@observablehq/plot";
import { FIGURE_STYLE, svg } from "../../svg.js";
import { colorOf, type MethodColors, roughWidth, shapeOf } from "./figure.js";

export interface RankedRow {
  readonly label: string;
  readonly method: string;
  readonly rank: number;
}

export interface CriticalDifference {
  /** Best first. */
  readonly rows: readonly RankedRow[];
  readonly criticalDifference: number | null;
  readonly cliques: readonly (readonly [number, number])[];
  readonly colors: MethodColors;
}

const LINE = 19;
const CLIQUE = 8;
/** Where the axis is, from the top. */
const AXIS = 40;
const FONT = 11.5;
const LEAST_AXIS = 150;
/** A rank's width. */
const RANK = 22;

/**
 * Coordinates are ranks across and pixels from the top down. The better half's labels stand on the left, the others' on
 * the right, the outermost ranks nearest to the axis, so that no two leaders cross.
 */
export function criticalDifferenceFigure(given: CriticalDifference): string {
  const { rows, criticalDifference, cliques, colors } = given;
  const count = rows.length;
  const half = Math.ceil(count / 2);
  const start = AXIS + 14 + cliques.length * CLIQUE;
  const leaders = rows.map((row, i) => {
    const left = i < half;
    const y = start + (left ? i : count - 1 - i) * LINE + 8;
    return {
      ...row,
      left,
      y,
      end: left ? 1 : count,
      color: colorOf(colors, row.method),
      shape: shapeOf(colors, row.method),
    };
  });
  const margin = (own: readonly RankedRow[]): number =>
    Math.ceil(Math.max(40, ...own.map((r) => roughWidth(`${r.label} 1.00`)))) + 10;
  const [marginLeft, marginRight] = [margin(rows.slice(0, half)), margin(rows.slice(half))];
  const height = start + half * LINE + 12;
  const bars = cliques.map(([first, last], i) => ({
    y: AXIS + 14 + i * CLIQUE,
    x1: (rows[first]?.rank ?? 1) - 0.04,
    x2: (rows[last]?.rank ?? 1) + 0.04,
  }));
  const ticks = Array.from({ length: count }, (_, i) => i + 1);
  const side = (left: boolean) => leaders.filter((l) => l.left === left);
  const label = (left: boolean) =>
    Plot.text(side(left), {
      x: "end",
      y: "y",
      text: (l: RankedRow) =>
        left ? `${l.label}  ${l.rank.toFixed(2)}` : `${l.rank.toFixed(2)}  ${l.label}`,
      fill: "currentColor",
      textAnchor: left ? "end" : "start",
      dx: left ? -6 : 6,
    });
  const gap = criticalDifference === null ? [] : [{ x1: 1, x2: Math.min(count, 1 + criticalDifference) }];
  return svg({
    width: marginLeft + marginRight + Math.max(LEAST_AXIS, RANK * count),
    height,
    marginLeft,
    marginRight,
    marginTop: 0,
    marginBottom: 0,
    style: { ...FIGURE_STYLE, fontSize: `${FONT}px`, overflow: "visible" },
    x: { domain: [1, Math.max(2, count)], axis: null },
    y: { domain: [0, height], range: [0, height], axis: null },
    color: { type: "identity" },
    symbol: { type: "identity" },
    marks: [
      Plot.ruleY([AXIS], { stroke: "currentColor", strokeWidth: 1.2 }),
      Plot.ruleX(ticks, { y1: AXIS - 5, y2: AXIS, stroke: "currentColor" }),
      Plot.text(ticks, { x: (t: number) => t, y: AXIS - 12, text: (t: number) => String(t) }),
      Plot.ruleY(gap, { y: 10, x1: "x1", x2: "x2", stroke: "currentColor", strokeWidth: 1.5 }),
      Plot.ruleX(
        gap.flatMap(({ x1, x2 }) => [x1, x2]),
        { y1: 6, y2: 14, stroke: "currentColor", strokeWidth: 1.5 },
      ),
      Plot.text(gap, {
        x: "x2",
        y: 10,
        text: () => `CD ${criticalDifference?.toFixed(2) ?? ""}`,
        textAnchor: "start",
        dx: 7,
      }),
      Plot.ruleX(leaders, { x: "rank", y1: AXIS, y2: "y", stroke: "color" }),
      Plot.ruleY(leaders, { y: "y", x1: "rank", x2: "end", stroke: "color" }),
      Plot.ruleY(bars, {
        y: "y",
        x1: "x1",
        x2: "x2",
        stroke: "currentColor",
        strokeWidth: 4,
        strokeLinecap: "round",
      }),
      Plot.dot(leaders, { x: "rank", y: () => AXIS, fill: "color", symbol: "shape", r: 3.6 }),
      label(true),
      label(false),
    ],
  });
}
