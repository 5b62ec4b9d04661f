/** @file Mean curves of Insertion or Deletion with their bands: how surely, and from where on, maps differ. */
import * as Plot from "@observablehq/plot";
import type { CurveSummary } from "../../../study/analysis/types.js";
import { FIGURE_STYLE, percentTick, svg } from "../../svg.js";
import { colorOf, type MethodColors, shapeOf } from "./figure.js";

export interface MeanCurve {
  readonly method: string;
  readonly control: boolean;
  readonly curve: CurveSummary;
}

export interface MeanCurvesOptions {
  readonly xLabel: string;
  readonly colors: MethodColors;
}

/** Shares at which a line has its method's shape. */
const MARKED = [0.125, 0.375, 0.625, 0.875];

/** A line for each method with the interval of its mean; controls as thin grey lines without one. */
export function meanCurvesFigure(
  curves: readonly MeanCurve[],
  { xLabel, colors }: MeanCurvesOptions,
): string {
  const points = curves.flatMap(({ method, control, curve }) =>
    curve.mean.map((mean, i) => ({
      method,
      control,
      mean,
      share: i / Math.max(1, curve.points - 1),
      low: curve.interval?.lower[i] ?? mean,
      high: curve.interval?.upper[i] ?? mean,
      color: control ? "currentColor" : colorOf(colors, method),
    })),
  );
  const of = (control: boolean) => points.filter((p) => p.control === control);
  const marked = of(false).filter(({ share }, i, all) =>
    MARKED.some((m) => share >= m && ((all[i - 1]?.share ?? 1) < m || all[i - 1]?.share === 1)),
  );
  const shares = { domain: [0, 1], ticks: [0, 0.25, 0.5, 0.75, 1], tickFormat: percentTick } as const;
  return svg({
    width: 284,
    height: 214,
    marginLeft: 38,
    marginRight: 16,
    marginTop: 22,
    marginBottom: 36,
    style: FIGURE_STYLE,
    x: { ...shares, tickSize: 4, label: xLabel, labelAnchor: "center", labelArrow: "none" },
    y: { ...shares, tickSize: 0, label: "probability", labelArrow: "none" },
    color: { type: "identity" },
    symbol: { type: "identity" },
    marks: [
      Plot.gridY([0, 0.25, 0.5, 0.75, 1], { strokeOpacity: 0.12 }),
      Plot.line(of(true), {
        x: "share",
        y: "mean",
        z: "method",
        stroke: "color",
        strokeOpacity: 0.35,
        strokeWidth: 1.2,
        strokeDasharray: "3,3",
      }),
      Plot.areaY(of(false), {
        x: "share",
        y1: (p) => Math.max(0, p.low),
        y2: (p) => Math.min(1, p.high),
        z: "method",
        fill: "color",
        fillOpacity: 0.2,
      }),
      Plot.line(of(false), {
        x: "share",
        y: "mean",
        z: "method",
        stroke: "color",
        strokeWidth: 2,
        strokeLinejoin: "round",
      }),
      // Where lines lie on each other, or colours do not show.
      Plot.dot(marked, {
        x: "share",
        y: "mean",
        fill: "color",
        symbol: (p: { readonly method: string }) => shapeOf(colors, p.method),
        r: 3.2,
      }),
    ],
  });
}
