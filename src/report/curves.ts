/** @file Perturbation curves: the class's probability as pixels are inserted or deleted, a line for each method. */
import * as Plot from "@observablehq/plot";
import { PALETTE, svg } from "./svg.js";

export interface CurveLine {
  readonly name: string;
  /** Probabilities at equal steps from none to all pixels changed. */
  readonly curve: readonly number[];
  /** Controls are drawn thin and grey. */
  readonly control: boolean;
}

export interface CurvesOptions {
  readonly width?: number;
  readonly height?: number;
  readonly xLabel: string;
}

/** Lines over the share of pixels changed, 0 to 1; the y axis is the probability, 0 to 1. */
export function curvesFigure(lines: readonly CurveLine[], options: CurvesOptions): string {
  const { width = 250, height = 190, xLabel } = options;
  const points = (wanted: boolean) =>
    lines.flatMap(({ name, curve, control }) =>
      control === wanted
        ? curve.map((probability, i) => ({ name, share: i / Math.max(1, curve.length - 1), probability }))
        : [],
    );
  const names = lines.filter((l) => !l.control).map((l) => l.name);
  return svg({
    width,
    height,
    marginLeft: 30,
    marginRight: 8,
    marginTop: 18,
    marginBottom: 30,
    style: { background: "transparent", fontFamily: "inherit", fontSize: "10px" },
    x: {
      domain: [0, 1],
      ticks: 4,
      tickFormat: (d: number) => `${Math.round(d * 100)}%`,
      label: xLabel,
      labelAnchor: "center",
      labelArrow: "none",
    },
    y: { domain: [0, 1], ticks: 4, grid: true, label: null },
    color: { domain: names, range: [...PALETTE] },
    marks: [
      Plot.ruleY([0], { strokeOpacity: 0.4 }),
      Plot.line(points(true), {
        x: "share",
        y: "probability",
        z: "name",
        stroke: "currentColor",
        strokeOpacity: 0.3,
        strokeWidth: 1,
      }),
      Plot.line(points(false), { x: "share", y: "probability", z: "name", stroke: "name", strokeWidth: 2 }),
    ],
  });
}
