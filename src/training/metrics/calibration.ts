/**
 * @file Whether a probability of 0.9 is right nine times in ten. Guo, Pleiss, Sun, Weinberger, "On calibration of
 * modern neural networks", ICML 2017: the predicted class's probability in 15 bins of equal width.
 */

export const CALIBRATION_BINS = 15;

export interface CalibrationBin {
  /** Probabilities in (from, to]; 0 is in the first bin. */
  readonly from: number;
  readonly to: number;
  readonly count: number;
  /** Mean probability of the predicted class, and share that is right; undefined for an empty bin. */
  readonly confidence: number | undefined;
  readonly accuracy: number | undefined;
}

/**
 * @param confidence probability of each image's predicted class
 * @param right whether it is the true one
 * @param times how often each image counts; once by default
 */
export function calibrationBins(
  confidence: readonly number[],
  right: readonly boolean[],
  times?: Float64Array,
  bins = CALIBRATION_BINS,
): readonly CalibrationBin[] {
  const totals = Array.from({ length: bins }, () => ({ count: 0, confidence: 0, right: 0 }));
  confidence.forEach((p, i) => {
    const bin = totals[Math.min(bins - 1, Math.max(0, Math.ceil(p * bins) - 1))];
    if (bin === undefined) return;
    const n = times?.[i] ?? 1;
    bin.count += n;
    bin.confidence += n * p;
    bin.right += right[i] ? n : 0;
  });
  return totals.map(({ count, confidence: total, right: hits }, b) => ({
    from: b / bins,
    to: (b + 1) / bins,
    count,
    confidence: count === 0 ? undefined : total / count,
    accuracy: count === 0 ? undefined : hits / count,
  }));
}

/** Expected calibration error Σ nᵦ/n · |accuracyᵦ − confidenceᵦ|; undefined without images. */
export function calibrationError(bins: readonly CalibrationBin[]): number | undefined {
  const total = bins.reduce((n, { count }) => n + count, 0);
  if (total === 0) return undefined;
  return bins.reduce(
    (error, { count, accuracy = 0, confidence = 0 }) =>
      error + (count / total) * Math.abs(accuracy - confidence),
    0,
  );
}
