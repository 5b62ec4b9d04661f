/** @file Perturbation curves: the class's probability as pixels are inserted or deleted, a line for each method. */
import * as Plot from "@observablehq/plot";
import { FIGURE_STYLE, PALETTE, percentTick, svg } from "./svg.js";

export interface CurveLine {
  readonly name: string;
  /** Probabilities at equal steps from none to all pixels changed. */
  readonly curve: readonly number[];
  /** Controls are drawn thin and grey. */
  readonly control: boolean;
  /** Beside a whole line of the same name. */
  readonly dashed?: boolean;
}

export interface CurvesOptions {
  readonly width?: number;
  readonly height?: number;
  readonly xLabel: string;
  /** Names in the order of their colours, so that a method has one colour on the whole page. */
  readonly names: readonly string[];
}

/** Where labels of all quarters would touch. */
const NARROW = 240;

/** Lines over the share of pixels changed, 0 to 1; the y axis is the probability, 0 to 1. */
export function curvesFigure(lines: readonly CurveLine[], options: CurvesOptions): string {
  const { width = 250, height = 226, xLabel, names } = options;
  const points = (wanted: "control" | "dashed" | "whole") =>
    lines.flatMap(({ name, curve, control, dashed = false }, line) =>
      wanted === (control ? "control" : dashed ? "dashed" : "whole")
        ? curve.map((probability, i) => ({
            name,
            line,
            share: i / Math.max(1, curve.length - 1),
            probability,
          }))
        : [],
    );
  return svg({
    width,
    height,
    marginLeft: 40,
    marginRight: 16,
    marginTop: 10,
    marginBottom: 34,
    style: FIGURE_STYLE,
    x: {
      domain: [0, 1],
      ticks: width < NARROW ? [0, 0.5, 1] : [0, 0.25, 0.5, 0.75, 1],
      tickFormat: percentTick,
      tickSize: 4,
      label: xLabel,
      labelAnchor: "center",
      labelArrow: "none",
    },
    y: { domain: [0, 1], ticks: [0, 0.25, 0.5, 0.75, 1], tickFormat: percentTick, tickSize: 0, label: null },
    color: { domain: [...names], range: names.map((_, i) => PALETTE[i % PALETTE.length] ?? "currentColor") },
    marks: [
      Plot.gridY([0, 0.25, 0.5, 0.75, 1], { strokeOpacity: 0.12 }),
      Plot.line(points("control"), {
        x: "share",
        y: "probability",
        z: "line",
        stroke: "currentColor",
        strokeOpacity: 0.28,
        strokeWidth: 1,
      }),
      ...(["whole", "dashed"] as const).map((kind) =>
        Plot.line(points(kind), {
          x: "share",
          y: "probability",
          z: "line",
          stroke: "name",
          strokeWidth: 2,
          strokeLinejoin: "round",
          ...(kind === "dashed" && { strokeDasharray: "5,4" }),
        }),
      ),
    ],
  });
}
