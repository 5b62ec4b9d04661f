/**
 * @file What the student is to say: the teacher's logits centred and sharpened (Caron et al. 2021, §3.1; DINOLoss of
 * main_dino.py). For a crop the sum of cross-entropies with several teacher's distributions is one with their sum.
 */

export interface Sharpening {
  /** [out], of the head's output without a temperature. */
  readonly centre: Float32Array;
  /** The teacher's. */
  readonly temperature: number;
  /** What the logits were divided by, the student's: the head has it built in. */
  readonly divided: number;
}

/**
 * softmax((output − centre) / temperature) of each row, and the rows' mean entropy in nats.
 *
 * @param logits [rows, out] of the head, in which they are divided by the student's temperature
 * @param images how many of the rows count for the entropy
 */
export function sharpened(
  logits: Float32Array,
  images: number,
  { centre, temperature, divided }: Sharpening,
): { readonly targets: Float32Array; readonly entropy: number } {
  const out = centre.length;
  const targets = new Float32Array(logits.length);
  const scores = new Float64Array(out);
  let entropy = 0;
  for (let row = 0; row * out < logits.length; row++) {
    const at = row * out;
    let largest = Number.NEGATIVE_INFINITY;
    for (let i = 0; i < out; i++) {
      const score = ((logits[at + i] ?? 0) * divided - (centre[i] ?? 0)) / temperature;
      scores[i] = score;
      if (score > largest) largest = score;
    }
    let sum = 0;
    let weighted = 0;
    for (let i = 0; i < out; i++) {
      const score = (scores[i] ?? 0) - largest;
      const e = Math.exp(score);
      scores[i] = e;
      sum += e;
      weighted += e * score;
    }
    for (let i = 0; i < out; i++) targets[at + i] = (scores[i] ?? 0) / sum;
    if (row < images) entropy += Math.log(sum) - weighted / sum;
  }
  return { targets, entropy: entropy / images };
}

/**
 * The centre that follows the teacher's mean output: centre·momentum + mean·(1 − momentum).
 *
 * @param logits of the views, [rows, out] each
 * @param images rows of each that count
 * @param divided what the logits were divided by
 */
export function movedCentre(
  centre: Float32Array,
  logits: readonly Float32Array[],
  {
    images,
    divided,
    momentum,
  }: { readonly images: number; readonly divided: number; readonly momentum: number },
): Float32Array {
  const out = centre.length;
  const sums = new Float64Array(out);
  for (const view of logits)
    for (let row = 0; row < images; row++)
      for (let i = 0; i < out; i++) sums[i] = (sums[i] ?? 0) + (view[row * out + i] ?? 0);
  const share = ((1 - momentum) * divided) / (images * logits.length);
  return centre.map((value, i) => value * momentum + (sums[i] ?? 0) * share);
}

/** The sum of two arrays of one length. */
export const sumOf = (a: Float32Array, b: Float32Array): Float32Array =>
  a.map((value, i) => value + (b[i] ?? 0));
