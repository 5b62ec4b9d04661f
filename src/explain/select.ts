/**
 * @file The k-th smallest of non-negative floats without sorting: rollout discards nine tenths of every attention
 * matrix, and sorting 38,809 numbers a layer would cost more than the matrix products.
 */

/**
 * Sets the `count` smallest of `values` to 0 (all values ≥ 0), equal values lowest index first. Where `keep` says
 * so, a value that would be discarded stays.
 */
export function discardSmallest(
  values: Float32Array,
  count: number,
  keep?: (index: number) => boolean,
): void {
  if (count <= 0) return;
  const { threshold, below, equal } = kthSmallest(values, Math.min(count, values.length));
  if (threshold === 0) return;
  let left = count - below;
  if (keep === undefined && left === equal) {
    // No tie at the threshold is divided: a loop without data-dependent stores, which processors predict.
    for (let i = 0; i < values.length; i++)
      values[i] = (values[i] as number) > threshold ? (values[i] as number) : 0;
    return;
  }
  for (let i = 0; i < values.length; i++) {
    const v = values[i] as number;
    if (v < threshold || (v === threshold && left-- > 0)) {
      if (keep === undefined || !keep(i)) values[i] = 0;
    }
  }
}

/** Buckets by the upper 11 of the 31 bits that a non-negative float has: its exponent and three bits of its mantissa. */
const SHIFT = 20;
const BUCKETS = 1 << 11;
/** All bits but the sign, so that −0 counts as 0. */
const MAGNITUDE = 0x7fffffff;

/**
 * The k-th smallest value (k ≥ 1) of non-negative floats; how many are smaller, how many equal. Their bit patterns order as they
 * do: one pass counts them by their upper bits, and only the bucket that holds the k-th is sorted.
 */
export function kthSmallest(
  values: Float32Array,
  k: number,
): { readonly threshold: number; readonly below: number; readonly equal: number } {
  const bits = new Int32Array(values.buffer, values.byteOffset, values.length);
  const counts = countBuckets(bits);
  let bucket = 0;
  let before = 0;
  while (before + (counts[bucket] as number) < k) before += counts[bucket++] as number;
  const candidates = new Float32Array(counts[bucket] as number);
  let found = 0;
  for (let i = 0; i < bits.length; i++) {
    if (((bits[i] as number) & MAGNITUDE) >>> SHIFT === bucket) candidates[found++] = values[i] as number;
  }
  candidates.sort();
  const threshold = candidates[k - before - 1] as number;
  let below = before;
  for (let i = 0; i < found && (candidates[i] as number) < threshold; i++) below++;
  let equal = 0;
  while ((candidates[below - before + equal] as number) === threshold) equal++;
  return { threshold, below, equal };
}

/** How many values fall into each bucket. Four tables in turn: equal neighbours would wait for each other's count. */
function countBuckets(bits: Int32Array): Int32Array {
  const tables = new Int32Array(4 * BUCKETS);
  const even = bits.length & ~3;
  for (let i = 0; i < even; i += 4) {
    const a = ((bits[i] as number) & MAGNITUDE) >>> SHIFT;
    const b = (((bits[i + 1] as number) & MAGNITUDE) >>> SHIFT) + BUCKETS;
    const c = (((bits[i + 2] as number) & MAGNITUDE) >>> SHIFT) + 2 * BUCKETS;
    const d = (((bits[i + 3] as number) & MAGNITUDE) >>> SHIFT) + 3 * BUCKETS;
    tables[a] = (tables[a] as number) + 1;
    tables[b] = (tables[b] as number) + 1;
    tables[c] = (tables[c] as number) + 1;
    tables[d] = (tables[d] as number) + 1;
  }
  for (let i = even; i < bits.length; i++) {
    const a = ((bits[i] as number) & MAGNITUDE) >>> SHIFT;
    tables[a] = (tables[a] as number) + 1;
  }
  const counts = tables.slice(0, BUCKETS);
  for (let t = 1; t < 4; t++) {
    for (let i = 0; i < BUCKETS; i++) {
      counts[i] = (counts[i] as number) + (tables[t * BUCKETS + i] as number);
    }
  }
  return counts;
}
