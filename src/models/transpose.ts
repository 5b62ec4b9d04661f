/** @file Linear layers are kept as [outputs, inputs] and multiplied as [inputs, outputs]: this turns them. */

const BLOCK = 32;

/** Writes `from` [rows, columns] transposed into columns `at` … of `out` [columns, stride], in blocks that stay in the cache. */
export function transposeInto(
  out: Float32Array,
  from: Float32Array,
  { rows, columns, stride, at }: { rows: number; columns: number; stride: number; at: number },
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
