/** @file Linear layers are kept as [outputs, inputs] and multiplied as [inputs, outputs]: this turns them, and gradients back. */

/** A matrix [rows, columns] and its place, transposed, as columns `at` … of a [columns, stride]. */
export interface Place {
  readonly rows: number;
  readonly columns: number;
  readonly stride: number;
  readonly at: number;
}

/** Squares of this side stay in the cache. */
const BLOCK = 32;

/** Writes `from` [rows, columns] to its place in `out`. */
export function transposeInto(
  out: Float32Array,
  from: Float32Array,
  { rows, columns, stride, at }: Place,
): void {
  for (let r0 = 0; r0 < rows; r0 += BLOCK) {
    const r1 = Math.min(rows, r0 + BLOCK);
    for (let c0 = 0; c0 < columns; c0 += BLOCK) {
      const c1 = Math.min(columns, c0 + BLOCK);
      for (let r = r0; r < r1; r++) {
        for (let c = c0; c < c1; c++) out[c * stride + at + r] = from[r * columns + c] ?? 0;
      }
    }
  }
}

/** Adds to `to` [rows, columns] what lies at its place in `from`. */
export function addTransposed(
  to: Float32Array,
  from: Float32Array,
  { rows, columns, stride, at }: Place,
): void {
  for (let r0 = 0; r0 < rows; r0 += BLOCK) {
    const r1 = Math.min(rows, r0 + BLOCK);
    for (let c0 = 0; c0 < columns; c0 += BLOCK) {
      const c1 = Math.min(columns, c0 + BLOCK);
      for (let r = r0; r < r1; r++) {
        for (let c = c0; c < c1; c++) {
          const i = r * columns + c;
          to[i] = (to[i] ?? 0) + (from[c * stride + at + r] ?? 0);
        }
      }
    }
  }
}
