/**
 * @file Options of Insertion and Deletion with their defaults and checks: one place, so that the record, the
 * command line and the library agree.
 */
import { z } from "zod";
import { numberOption } from "../spec.js";
import { BASELINES, type Baseline } from "./baseline.js";

export interface CurveOptions {
  /** Pixels exchanged between two points; default "width": the image's width (224 pixels, 225 points at 224×224, as RISE). */
  readonly step?: number | "width";
  readonly baseline?: Baseline;
  /** "pixel" (default): rank pixels; "patch": rank whole patches of the token grid. */
  readonly order?: "pixel" | "patch";
  /** Random tie orders to run beside the stable one (default 0): gives the expected AUC and its range. */
  readonly ties?: number;
}

/** The checked options, defaults filled in; `baseline` is the metric's own default. */
export function curveSchema(baseline: Baseline) {
  return z.strictObject({
    step: z
      .union([z.literal("width"), numberOption(1, Number.POSITIVE_INFINITY, true)], {
        error: 'must be a whole number of pixels, at least 1, or "width"',
      })
      .default("width"),
    baseline: z.enum(BASELINES, { error: `must be one of ${BASELINES.join(", ")}` }).default(baseline),
    order: z.enum(["pixel", "patch"], { error: "must be pixel or patch" }).default("pixel"),
    ties: numberOption(0, 1000, true).default(0),
  });
}
