/**
 * @file What the loss compares with: classes as rows of shares, smoothed, and how much each image counts.
 */
import { VitreousError } from "../../onnx/errors.js";

/** Rows [labels.length, classes] with a 1 at each label. */
export function oneHot(labels: readonly number[], classes: number, rows = labels.length): Float32Array {
  const out = new Float32Array(rows * classes);
  labels.forEach((label, i) => {
    if (!Number.isInteger(label) || label < 0 || label >= classes) {
      throw new VitreousError(`Image ${i} has the class number ${label}, and there are ${classes} classes.`);
    }
    out[i * classes + label] = 1;
  });
  return out;
}

/** The first `size` rows as (1 − share)·row + share / classes, in place: torch's label_smoothing. */
export function smoothLabels(targets: Float32Array, classes: number, size: number, share: number): void {
  if (share === 0) return;
  for (let i = 0; i < size * classes; i++)
    targets[i] = (1 - share) * (targets[i] as number) + share / classes;
}

/**
 * Weights by class, n / (classes·nᶜ), that make every class count alike: scikit-learn's "balanced".
 *
 * @throws VitreousError when a class has no image.
 */
export function balancedClassWeights(labels: readonly number[], classes: number): Float32Array {
  const counts = new Float64Array(classes);
  for (const label of labels) counts[label] = (counts[label] ?? 0) + 1;
  const missing = counts.indexOf(0);
  if (missing >= 0) {
    throw new VitreousError(`Class ${missing} has no image for training, so it cannot be given a weight.`);
  }
  return Float32Array.from(counts, (n) => labels.length / (classes * n));
}

/**
 * [rows] weights of the first `size` images that sum to 1, so that Σ weight·loss is the mean loss: 1 / size each, or by
 * the classes of their (unsmoothed) targets, as torch's CrossEntropyLoss(weight) with reduction "mean". Padding: 0.
 */
export function sampleWeights(
  targets: Float32Array,
  classes: number,
  rows: number,
  size: number,
  classWeights?: Float32Array,
): Float32Array {
  const out = new Float32Array(rows);
  if (!classWeights) return out.fill(1 / size, 0, size);
  let total = 0;
  for (let i = 0; i < size; i++) {
    let weight = 0;
    for (let c = 0; c < classes; c++) weight += (targets[i * classes + c] as number) * (classWeights[c] ?? 0);
    out[i] = weight;
    total += weight;
  }
  for (let i = 0; i < size; i++) out[i] = (out[i] as number) / total;
  return out;
}
