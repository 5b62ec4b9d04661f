/**
 * @file Pictures that look almost alike, among many: each pair is judged by its fingerprints, and with thousands of
 * pictures only those pairs are judged that hashing brings together. A hash is the sides of random planes on which a
 * fingerprint lies (Charikar 2002, "Similarity estimation techniques from rounding algorithms"), the planes come from
 * Hadamard transforms with random signs (Ailon & Chazelle 2009), and pictures that share one hash of many are judged.
 */
import { shuffle, uniform } from "../random.js";
import {
  type Direction,
  directionOf,
  type Fingerprint,
  LENGTH,
  likeness,
  orientations,
} from "./fingerprint.js";

/** Pictures are almost alike from this likeness on; docs/training.md says what was measured. */
export const LEAST_UPRIGHT = 0.9;

/** The same where one is mirrored or turned: seven more chances of being alike by accident. */
export const LEAST_TURNED = 0.95;

export interface AlikePair {
  /** Places in the list, a < b. */
  readonly a: number;
  readonly b: number;
  readonly likeness: number;
}

/** Up to so many pictures every pair is judged. */
const ALL_PAIRS = 1500;

/** Each is a chance to be found: nine of ten pairs are at the least likeness, all but one in a thousand at 0.95. */
const HASHES = 48;

/** Pictures judged of those that share one hash: many that are all alike would make every pair of them. */
const MOST_OF_A_HASH = 64;

/** Pictures between two breaths: comparing thousands takes seconds, and an interrupt must come through. */
const BREATH = 64;

/** Fingerprints padded for the transform. */
const PADDED = 2 ** Math.ceil(Math.log2(LENGTH));

/**
 * Pairs that look almost alike, in the order of their places.
 *
 * @param fingerprints undefined for a picture that is like none
 */
export async function alikePairs(
  fingerprints: readonly (Fingerprint | undefined)[],
  signal?: AbortSignal,
): Promise<readonly AlikePair[]> {
  const places = fingerprints.flatMap((print, i) => (print === undefined ? [] : [i]));
  const directions = fingerprints.flatMap((print) => (print === undefined ? [] : [directionOf(print)]));
  const candidates = directions.length <= ALL_PAIRS ? laterOnes(directions.length) : hashed(directions);
  const pairs: AlikePair[] = [];
  for (const [i, own] of directions.entries()) {
    if (i % BREATH === BREATH - 1) await new Promise((resolve) => setTimeout(resolve, 0));
    signal?.throwIfAborted();
    for (const j of candidates(i)) {
      const { upright, turned } = likeness(own, directions[j] as Direction);
      const found =
        upright >= LEAST_UPRIGHT
          ? Math.max(upright, turned >= LEAST_TURNED ? turned : 0)
          : turned >= LEAST_TURNED
            ? turned
            : undefined;
      if (found !== undefined)
        pairs.push({ a: places[i] as number, b: places[j] as number, likeness: found });
    }
  }
  return pairs.sort((x, y) => x.a - y.a || x.b - y.b);
}

const laterOnes =
  (count: number) =>
  (i: number): readonly number[] =>
    Array.from({ length: count - i - 1 }, (_, k) => i + 1 + k);

/** Later pictures that share a hash with one, in any of its orientations. */
function hashed(directions: readonly Direction[]): (i: number) => readonly number[] {
  // More hashes than pictures: few that are not alike share one by chance.
  const bits = Math.min(20, 2 + Math.round(Math.log2(directions.length)));
  const keysOf = hasher(bits, meanOf(directions));
  const tables = Array.from({ length: HASHES }, () => new Int32Array(directions.length));
  directions.forEach((direction, i) => {
    keysOf(direction).forEach((key, t) => {
      (tables[t] as Int32Array)[i] = key;
    });
  });
  const buckets = tables.map((keys) => bucketsOf(keys, 2 ** bits));
  const seenBy = new Int32Array(directions.length).fill(-1);
  return (i) => {
    const found: number[] = [];
    for (const turned of orientations(directions[i] as Direction)) {
      keysOf(turned).forEach((key, t) => {
        const { starts, members } = buckets[t] as Buckets;
        const end = starts[key + 1] as number;
        const from = after(members, starts[key] as number, end, i);
        for (let at = from; at < Math.min(end, from + MOST_OF_A_HASH); at++) {
          const j = members[at] as number;
          if (seenBy[j] === i) continue;
          seenBy[j] = i;
          found.push(j);
        }
      });
    }
    return found;
  };
}

/** What all have in common separates none: planes go through the mean. */
function meanOf(directions: readonly Direction[]): Float64Array {
  const mean = new Float64Array(LENGTH);
  for (const direction of directions)
    for (let k = 0; k < LENGTH; k++) mean[k] = (mean[k] ?? 0) + (direction[k] ?? 0);
  return mean.map((sum) => sum / directions.length);
}

/** HASHES keys of so many bits. The array returned is the same each time. */
function hasher(bits: number, mean: Float64Array): (direction: Direction) => Int32Array {
  const rounds = Math.ceil((HASHES * bits) / PADDED);
  const next = uniform(1);
  const signs = Float64Array.from({ length: 2 * rounds * PADDED }, () => (next() < 0.5 ? -1 : 1));
  // Bits of one transform are spread over the hashes.
  const order = Int32Array.from({ length: rounds * PADDED }, (_, i) => i);
  shuffle(order, 0, order.length, next);
  const sides = new Float64Array(rounds * PADDED);
  const transforms = Array.from({ length: rounds }, (_, r) => sides.subarray(r * PADDED, (r + 1) * PADDED));
  const keys = new Int32Array(HASHES);
  return (direction) => {
    for (let r = 0; r < rounds; r++) {
      const values = transforms[r] as Float64Array;
      values.fill(0);
      for (let k = 0; k < LENGTH; k++) values[k] = (direction[k] as number) - (mean[k] as number);
      for (let half = 2 * r; half < 2 * r + 2; half++) {
        for (let k = 0; k < PADDED; k++)
          values[k] = (values[k] as number) * (signs[half * PADDED + k] as number);
        hadamard(values);
      }
    }
    for (let t = 0; t < HASHES; t++) {
      let key = 0;
      for (let k = 0; k < bits; k++)
        key = 2 * key + ((sides[order[t * bits + k] as number] as number) > 0 ? 1 : 0);
      keys[t] = key;
    }
    return keys;
  };
}

/** Walsh–Hadamard transform in place, without its factor. */
function hadamard(values: Float64Array): void {
  for (let half = 1; half < values.length; half *= 2)
    for (let start = 0; start < values.length; start += 2 * half)
      for (let i = start; i < start + half; i++) {
        const [a, b] = [values[i] as number, values[i + half] as number];
        values[i] = a + b;
        values[i + half] = a - b;
      }
}

interface Buckets {
  /** Of key k: members[starts[k]] to before members[starts[k + 1]], rising. */
  readonly starts: Int32Array;
  readonly members: Int32Array;
}

function bucketsOf(keys: Int32Array, count: number): Buckets {
  const starts = new Int32Array(count + 1);
  for (const key of keys) starts[key + 1] = (starts[key + 1] ?? 0) + 1;
  for (let k = 0; k < count; k++) starts[k + 1] = (starts[k + 1] as number) + (starts[k] as number);
  const next = starts.slice();
  const members = new Int32Array(keys.length);
  keys.forEach((key, i) => {
    const at = next[key] as number;
    members[at] = i;
    next[key] = at + 1;
  });
  return { starts, members };
}

/** The first place in members[from, to) whose member is greater than i. */
function after(members: Int32Array, from: number, to: number, i: number): number {
  let [low, high] = [from, to];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((members[middle] as number) > i) high = middle;
    else low = middle + 1;
  }
  return low;
}
