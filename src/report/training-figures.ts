/** @file Figures of a training run: how loss and accuracy went, and whether probabilities can be taken at their word. */
import * as Plot from "@observablehq/plot";
import type { CalibrationBin } from "../training/metrics/calibration.js";
import { FIGURE_STYLE, PALETTE, percentTick, svg } from "./svg.js";

export interface EpochLine {
  readonly name: string;
  /** By epoch, from the first; undefined where there is none. */
  readonly values: readonly (number | undefined)[];
}

const FRAME = {
  marginLeft: 44,
  marginRight: 16,
  marginTop: 10,
  marginBottom: 34,
  style: FIGURE_STYLE,
} as const;

const color = (i: number): string => PALETTE[i % PALETTE.length] ?? "currentColor";

export interface EpochFigure {
  readonly lines: readonly EpochLine[];
  /** The number of the first epoch; 1 by default. */
  readonly first?: number;
  /** The epoch that was kept, where one was chosen. */
  readonly best?: number;
  /** Shares are drawn from 0 to 1, anything else from 0 up. */
  readonly share: boolean;
}

/** Lines over the epochs, a dashed rule at the one that was kept. */
export function epochsFigure({ lines, first = 1, best, share }: EpochFigure): string {
  const epochs = Math.max(1, ...lines.map((l) => l.values.length));
  const points = lines.flatMap(({ name, values }) =>
    values.flatMap((value, i) => (value === undefined ? [] : [{ name, epoch: i + first, value }])),
  );
  const most = Math.max(0, ...points.map((p) => p.value));
  const names = lines.map((l) => l.name);
  return svg({
    ...FRAME,
    width: 380,
    height: 240,
    x: {
      domain: epochs === 1 ? [first - 0.5, first + 0.5] : [first, first + epochs - 1],
      ticks: Math.min(epochs, 8),
      tickFormat: (d: number) => (Number.isInteger(d) ? String(d) : ""),
      label: "epoch",
      labelAnchor: "center",
      labelArrow: "none",
    },
    y: {
      domain: share ? [0, 1] : [0, most * 1.05 || 1],
      ...(share ? { tickFormat: percentTick } : {}),
      ticks: 5,
      tickSize: 0,
      label: null,
    },
    color: { domain: names, range: names.map((_, i) => color(i)) },
    marks: [
      Plot.gridY({ ticks: 5, strokeOpacity: 0.12 }),
      Plot.ruleX(best === undefined ? [] : [best], {
        stroke: "currentColor",
        strokeOpacity: 0.45,
        strokeDasharray: "3,3",
      }),
      Plot.line(points, { x: "epoch", y: "value", z: "name", stroke: "name", strokeWidth: 2 }),
      Plot.dot(points, { x: "epoch", y: "value", fill: "name", r: epochs > 30 ? 0 : 2.5 }),
    ],
  });
}

/** A legend's colour for the line of this place. */
export const lineColor = color;

/** Share that is right over the probability that was given, in bins; on the diagonal they agree. */
export function calibrationFigure(bins: readonly CalibrationBin[]): string {
  const filled = bins.flatMap(({ from, to, count, accuracy, confidence }) =>
    accuracy === undefined || confidence === undefined ? [] : [{ from, to, count, accuracy, confidence }],
  );
  const unit = (label: string | null) => ({
    domain: [0, 1],
    ticks: [0, 0.25, 0.5, 0.75, 1],
    tickFormat: percentTick,
    tickSize: 0,
    label,
  });
  return svg({
    ...FRAME,
    width: 300,
    height: 280,
    x: { ...unit("probability given"), labelAnchor: "center", labelArrow: "none" },
    y: unit(null),
    marks: [
      Plot.gridY([0, 0.25, 0.5, 0.75, 1], { strokeOpacity: 0.12 }),
      Plot.rectY(filled, {
        x1: "from",
        x2: "to",
        y: "accuracy",
        fill: color(0),
        fillOpacity: 0.35,
        insetLeft: 1,
      }),
      Plot.line(
        [
          [0, 0],
          [1, 1],
        ],
        { stroke: "currentColor", strokeOpacity: 0.4, strokeDasharray: "3,3" },
      ),
      Plot.dot(filled, { x: "confidence", y: "accuracy", fill: color(0), r: 3 }),
    ],
  });
}
