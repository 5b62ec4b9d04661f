/** @file What was taken for what: the counts that every score of a classifier but its calibration is made of. */

/** [true class][predicted class] → how many images. */
export type ConfusionMatrix = readonly (readonly number[])[];

/** @param times how often each image counts; once by default */
export function confusionMatrix(
  truth: readonly number[],
  predicted: readonly number[],
  classes: number,
  times?: Float64Array,
): ConfusionMatrix {
  const counts = Array.from({ length: classes }, () => new Array<number>(classes).fill(0));
  truth.forEach((t, i) => {
    const [row, p] = [counts[t], predicted[i]];
    if (row === undefined || p === undefined || row[p] === undefined)
      throw new RangeError(`image ${i} is of class ${t}, predicted ${p}, of ${classes} classes`);
    row[p] += times?.[i] ?? 1;
  });
  return counts;
}

const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);

/** Of class k: images of it, images taken for it, and images of which both is true. */
export function classCounts(
  matrix: ConfusionMatrix,
  k: number,
): { readonly actual: number; readonly predicted: number; readonly hits: number } {
  const row = matrix[k] ?? [];
  return { actual: sum(row), predicted: sum(matrix.map((r) => r[k] ?? 0)), hits: row[k] ?? 0 };
}

/** Share of images taken for what they are; undefined without images. */
export function accuracy(matrix: ConfusionMatrix): number | undefined {
  const total = sum(matrix.map(sum));
  return total === 0 ? undefined : sum(matrix.map((row, k) => row[k] ?? 0)) / total;
}

/**
 * Mean recall of the classes that have images (scikit-learn's `balanced_accuracy_score`); undefined without images.
 */
export function balancedAccuracy(matrix: ConfusionMatrix): number | undefined {
  const recalls = matrix.flatMap((_, k) => {
    const { actual, hits } = classCounts(matrix, k);
    return actual > 0 ? [hits / actual] : [];
  });
  return recalls.length === 0 ? undefined : sum(recalls) / recalls.length;
}

/**
 * Mean over classes of 2·hits / (actual + predicted); classes that no image is of and none was taken for are left out
 * (scikit-learn's `f1_score(average="macro")`). Undefined without images.
 */
export function macroF1(matrix: ConfusionMatrix): number | undefined {
  const scores = matrix.flatMap((_, k) => {
    const { actual, predicted, hits } = classCounts(matrix, k);
    return actual + predicted > 0 ? [(2 * hits) / (actual + predicted)] : [];
  });
  return scores.length === 0 ? undefined : sum(scores) / scores.length;
}
