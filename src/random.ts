/**
 * @file Seeded randomness. Everything random in a measurement (noise baselines, tie orders, random maps, bootstrap)
 * comes from here, so that a recorded seed reproduces it in any JavaScript engine.
 */

/** What Mulberry32's state grows by with each number. */
const INCREMENT = 0x6d2b79f5;

/** The number of a state of Mulberry32, 32 bits: one multiplication chain. */
function scrambled(state: number): number {
  let t = state;
  t = Math.imul(t ^ (t >>> 15), t | 1);
  t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
  return (t ^ (t >>> 14)) >>> 0;
}

/** Mulberry32: uniform numbers in [0, 1), 2³² states. */
export function uniform(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + INCREMENT) >>> 0;
    return scrambled(state) / 4294967296;
  };
}

/** The same as whole numbers of 32 bits, many at once: for what needs millions of them. */
export function randomWords(seed: number, count: number): Uint32Array<ArrayBuffer> {
  const words = new Uint32Array(count);
  let state = seed | 0;
  for (let i = 0; i < words.length; i++) {
    state = (state + INCREMENT) | 0;
    words[i] = scrambled(state);
  }
  return words;
}

/** Standard normal numbers by Box and Muller's transform. */
export function normal(seed: number): () => number {
  const next = uniform(seed);
  return () => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());
}

/** Fisher–Yates shuffle of `values[start, end)`, in place. */
export function shuffle(values: Int32Array, start: number, end: number, next: () => number): void {
  for (let i = end - 1; i > start; i--) {
    const j = start + Math.floor(next() * (i - start + 1));
    const held = values[i] ?? 0;
    values[i] = values[j] ?? 0;
    values[j] = held;
  }
}

/** A well-mixed 32-bit hash of an integer under a salt (murmur3's finaliser). */
export function mix(value: number, salt: number): number {
  let h = (value ^ salt) >>> 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
