/**
 * @file What a picture looks like in a hundred numbers, by which its copies are known: the same picture saved again in
 * another format, size or quality, brighter, slightly cropped, turned or mirrored. Its lowest spatial frequencies are
 * kept, as in pHash (Zauner 2010), but with their sizes and not as bits; each counts in proportion to its frequency, so
 * that the finer structure tells pictures apart that share a background (cells on a slide, tissue in a sector).
 */

/** Side of the thumbnail that a fingerprint is made of. */
export const THUMBNAIL = 32;

/** Frequencies below this are kept, in half periods a side. */
const LIMIT = 12;

/** Thumbnails of less contrast (standard deviation of grey levels) show nothing to be alike in. */
const LEAST_CONTRAST = 2;

/** Pairs of frequencies (down, across), those of the same parities beside each other. */
const FREQUENCIES: readonly (readonly [v: number, u: number])[] = Array.from(
  { length: LIMIT * LIMIT },
  (_, i) => [Math.floor(i / LIMIT), i % LIMIT] as const,
)
  .filter(([v, u]) => u + v > 0 && Math.hypot(u, v) < LIMIT)
  .sort((a, b) => parity(a) - parity(b));

function parity([v, u]: readonly [number, number]): number {
  return 2 * (v % 2) + (u % 2);
}

/** Numbers in a fingerprint. */
export const LENGTH = FREQUENCIES.length;

/** Where the frequencies of each pair of parities (down, across: even even, even odd, odd even, odd odd) begin. */
const STARTS = [0, 1, 2, 3].map((p) => FREQUENCIES.findIndex((f) => parity(f) === p));

/** Of a picture turned over its diagonal: each frequency is where its transpose was. */
const TRANSPOSED = Int32Array.from(FREQUENCIES, ([v, u]) =>
  FREQUENCIES.findIndex(([a, b]) => a === u && b === v),
);

/** COSINES[k·THUMBNAIL + x]: DCT-II. */
const COSINES = Float64Array.from({ length: LIMIT * THUMBNAIL }, (_, i) =>
  Math.cos((Math.PI * Math.floor(i / THUMBNAIL) * ((i % THUMBNAIL) + 0.5)) / THUMBNAIL),
);

/** Frequencies in parts of 127 of the greatest, LENGTH of them. */
export type Fingerprint = Int8Array;

/**
 * @param grey brightness of THUMBNAIL × THUMBNAIL pixels, row by row
 * @returns undefined where the picture is of one shade
 */
export function fingerprintOf(grey: Uint8Array): Fingerprint | undefined {
  const mean = grey.reduce((sum, x) => sum + x, 0) / grey.length;
  const variance = grey.reduce((sum, x) => sum + (x - mean) ** 2, 0) / grey.length;
  if (variance < LEAST_CONTRAST ** 2) return undefined;
  // Across first: rows[y·LIMIT + u].
  const rows = new Float64Array(THUMBNAIL * LIMIT);
  for (let y = 0; y < THUMBNAIL; y++)
    for (let u = 0; u < LIMIT; u++) {
      let sum = 0;
      for (let x = 0; x < THUMBNAIL; x++)
        sum += (COSINES[u * THUMBNAIL + x] as number) * (grey[y * THUMBNAIL + x] as number);
      rows[y * LIMIT + u] = sum * (u === 0 ? Math.SQRT1_2 : 1);
    }
  const values = Float64Array.from(FREQUENCIES, ([v, u]) => {
    let sum = 0;
    for (let y = 0; y < THUMBNAIL; y++)
      sum += (COSINES[v * THUMBNAIL + y] as number) * (rows[y * LIMIT + u] as number);
    return sum * (v === 0 ? Math.SQRT1_2 : 1) * Math.hypot(u, v);
  });
  const most = values.reduce((a, x) => Math.max(a, Math.abs(x)), 0);
  return most === 0 ? undefined : Int8Array.from(values, (x) => Math.round((127 * x) / most));
}

/** A fingerprint to compare: of length 1. */
export type Direction = Float32Array;

export function directionOf(fingerprint: Fingerprint): Direction {
  const length = Math.sqrt(fingerprint.reduce((sum, x) => sum + x * x, 0));
  return Float32Array.from(fingerprint, (x) => x / length);
}

export interface Likeness {
  /** Cosine between the two as they are: 1 for the same picture, about 0 for two that have nothing in common. */
  readonly upright: number;
  /** The greatest of one against the other turned by right angles or mirrored. */
  readonly turned: number;
}

/** Mirroring changes the sign of odd frequencies, so that sums over the parities hold four orientations at once. */
export function likeness(a: Direction, b: Direction): Likeness {
  let turned = -1;
  let upright = -1;
  for (const transposed of [false, true]) {
    const sums = [0, 0, 0, 0];
    for (let p = 0; p < 4; p++) {
      const end = STARTS[p + 1] ?? LENGTH;
      let sum = 0;
      for (let i = STARTS[p] as number; i < end; i++)
        sum += (a[transposed ? (TRANSPOSED[i] as number) : i] as number) * (b[i] as number);
      sums[p] = sum;
    }
    const [ee = 0, eo = 0, oe = 0, oo = 0] = sums;
    const same = ee + eo + oe + oo;
    if (transposed) turned = Math.max(turned, same);
    else upright = same;
    turned = Math.max(turned, ee - eo + oe - oo, ee + eo - oe - oo, ee - eo - oe + oo);
  }
  return { upright, turned };
}

/** For each of the seven other orientations of a picture: where its frequencies come from, and with which sign. */
const TURNS: readonly { readonly from: Int32Array; readonly sign: Int8Array }[] = [0, 1, 2, 3, 4, 5, 6].map(
  (turn) => {
    const mirrored = (turn + 1) % 4;
    return {
      from: turn < 3 ? Int32Array.from(TRANSPOSED.keys()) : TRANSPOSED,
      sign: Int8Array.from(FREQUENCIES, (frequency) => {
        const odd = parity(frequency) & mirrored;
        return odd === 1 || odd === 2 ? -1 : 1;
      }),
    };
  },
);

/** As the eight orientations of its picture have it; the first is as it is. */
export const orientations = (a: Direction): readonly Direction[] => [
  a,
  ...TURNS.map(({ from, sign }) => {
    const turned = new Float32Array(LENGTH);
    for (let i = 0; i < LENGTH; i++) turned[i] = (sign[i] as number) * (a[from[i] as number] as number);
    return turned;
  }),
];
