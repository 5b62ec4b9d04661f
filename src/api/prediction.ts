/** @file From logits to what is reported: softmax probabilities in double precision, and the best few classes. */

/** softmax(z), in double precision and safe for large logits. */
export function softmax(logits: ArrayLike<number>): Float64Array {
  const out = new Float64Array(logits.length);
  let max = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < logits.length; i++) max = Math.max(max, logits[i] ?? 0);
  let sum = 0;
  for (let i = 0; i < logits.length; i++) {
    const e = Math.exp((logits[i] ?? 0) - max);
    out[i] = e;
    sum += e;
  }
  for (let i = 0; i < out.length; i++) out[i] = (out[i] ?? 0) / sum;
  return out;
}

/** Index of the largest value, the first of equals (as NumPy's argmax). */
export function argmax(values: ArrayLike<number>): number {
  let best = 0;
  for (let i = 1; i < values.length; i++) if ((values[i] ?? 0) > (values[best] ?? 0)) best = i;
  return best;
}

export interface Prediction {
  readonly index: number;
  readonly label: string;
  readonly probability: number;
}

/** The `count` most probable classes, most probable first. */
export function topPredictions(
  logits: ArrayLike<number>,
  labels: readonly string[],
  count = 5,
): readonly Prediction[] {
  const probabilities = softmax(logits);
  return Array.from(probabilities.keys())
    .sort((a, b) => (probabilities[b] ?? 0) - (probabilities[a] ?? 0) || a - b)
    .slice(0, count)
    .map((index) => ({
      index,
      label: labels[index] ?? String(index),
      probability: probabilities[index] ?? 0,
    }));
}
