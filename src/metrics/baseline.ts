/**
 * @file What stands in for a deleted pixel. The choice changes the score, so it is named, recorded and swept; all
 * baselines are images in the model's normalised space.
 */

import { normal } from "../random.js";
import type { MetricSubject } from "./metric.js";

export const BASELINES = ["zero", "black", "mean", "blur", "noise"] as const;
export type Baseline = (typeof BASELINES)[number];

/**
 * The baseline image, float32 [channels, height, width]. zero: 0 in normalised space (RISE's deletion);
 * black: a black pixel, normalised; mean: each channel's mean over this image; blur: RISE's blur (its
 * insertion); noise: standard normal in normalised space, from the subject's seed.
 */
export function baselineImage(baseline: Baseline, subject: MetricSubject): Float32Array {
  const { data, channels, height, width } = subject.image;
  const area = height * width;
  if (baseline === "blur") return subject.blurred();
  const out = new Float32Array(data.length);
  if (baseline === "zero") return out;
  if (baseline === "noise") {
    const next = normal(subject.seed);
    for (let i = 0; i < out.length; i++) out[i] = next();
    return out;
  }
  for (let c = 0; c < channels; c++) {
    out.fill(
      baseline === "black" ? (subject.black[c] ?? 0) : channelMean(data, c * area, area),
      c * area,
      (c + 1) * area,
    );
  }
  return out;
}

function channelMean(data: Float32Array, start: number, count: number): number {
  let sum = 0;
  for (let i = start; i < start + count; i++) sum += data[i] ?? 0;
  return sum / count;
}

/** Names the baseline image within one image's measurements: equal keys, equal pixels. */
export function baselineKey(baseline: Baseline, subject: MetricSubject): string {
  return baseline === "noise" ? `noise-${subject.seed}` : baseline;
}
