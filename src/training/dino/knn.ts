/**
 * @file k nearest neighbours: how well classes can be told apart by features as they are, with nothing trained and nothing
 * chosen.
 *
 * Source: facebookresearch/dino, eval_knn.py (knn_classifier); Wu et al. 2018.
 */
import { dot, type FeatureSet } from "./feature-set.js";

export interface KnnOptions {
  readonly classes: number;
  /** Neighbours that vote; all where there are fewer. */
  readonly neighbours: number;
  /** A vote counts exp(cosine / temperature). */
  readonly temperature: number;
}

/** Gives logits [queries, classes] of features [queries, width]: log of each class's share of the votes, −∞ for none. */
export type KnnClassifier = (queries: Float32Array) => Float32Array;

/** Rows divided by their lengths. */
function unitRows(values: Float32Array, width: number): Float32Array {
  const out = values.slice();
  for (let i = 0; i < out.length; i += width) {
    const length = Math.sqrt(dot(out, i, out, i, width)) || 1;
    for (let k = i; k < i + width; k++) out[k] = (out[k] as number) / length;
  }
  return out;
}

/** @param bank the images that are asked: those that were learnt from */
export function knnClassifier(
  bank: FeatureSet,
  { classes, neighbours, temperature }: KnnOptions,
): KnnClassifier {
  const { width, labels } = bank;
  const rows = unitRows(bank.values, width);
  const most = Math.min(neighbours, labels.length);
  const nearest = new Float64Array(most);
  const voters = new Int32Array(most);
  return (queries) => {
    const units = unitRows(queries, width);
    const count = units.length / width;
    const logits = new Float32Array(count * classes).fill(Number.NEGATIVE_INFINITY);
    for (let q = 0; q < count; q++) {
      nearest.fill(Number.NEGATIVE_INFINITY);
      for (let i = 0; i < labels.length; i++) {
        const cosine = dot(units, q * width, rows, i * width, width);
        if (!(cosine > (nearest[most - 1] as number))) continue;
        let at = most - 1;
        for (; at > 0 && cosine > (nearest[at - 1] as number); at--) {
          nearest[at] = nearest[at - 1] as number;
          voters[at] = voters[at - 1] as number;
        }
        nearest[at] = cosine;
        voters[at] = i;
      }
      const votes = new Float64Array(classes);
      for (let n = 0; n < most; n++) {
        const label = labels[voters[n] as number] ?? 0;
        // Over the nearest's weight: a share of the votes is the same, and none is too large a number.
        const weight = Math.exp(((nearest[n] as number) - (nearest[0] as number)) / temperature);
        votes[label] = (votes[label] as number) + weight;
      }
      const total = votes.reduce((a, b) => a + b, 0);
      for (let c = 0; c < classes; c++) logits[q * classes + c] = Math.log((votes[c] as number) / total);
    }
    return logits;
  };
}
