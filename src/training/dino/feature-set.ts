/** @file What a backbone says of a part of a data set: a vector an image, with what the image is. */

export interface FeatureSet {
  /** [images, width], as the backbone gives them. */
  readonly values: Float32Array;
  readonly width: number;
  /** Class numbers. */
  readonly labels: readonly number[];
}

/** Σ aᵢ·bᵢ over `width` numbers, from places in each. */
export function dot(
  a: Float32Array | Float64Array,
  i: number,
  b: Float32Array | Float64Array,
  j: number,
  width: number,
): number {
  // Four sums at a time: one alone waits for itself at every step.
  let [s, t, u, v] = [0, 0, 0, 0];
  let k = 0;
  for (; k + 3 < width; k += 4) {
    s += (a[i + k] as number) * (b[j + k] as number);
    t += (a[i + k + 1] as number) * (b[j + k + 1] as number);
    u += (a[i + k + 2] as number) * (b[j + k + 2] as number);
    v += (a[i + k + 3] as number) * (b[j + k + 3] as number);
  }
  for (; k < width; k++) s += (a[i + k] as number) * (b[j + k] as number);
  return s + t + (u + v);
}
