/** @file How tests compare results with references. */
import { expect } from "vitest";

/** Largest difference, relative to the largest magnitude of what is expected. */
export function relativeError(got: ArrayLike<number>, want: ArrayLike<number>): number {
  expect(got.length).toBe(want.length);
  let error = 0;
  let scale = 0;
  for (let i = 0; i < want.length; i++) {
    error = Math.max(error, Math.abs((got[i] ?? Number.NaN) - (want[i] ?? Number.NaN)));
    scale = Math.max(scale, Math.abs(want[i] ?? 0));
    if (Number.isNaN(error)) return Number.POSITIVE_INFINITY;
  }
  return scale === 0 ? error : error / scale;
}

export const joined = (parts: readonly ArrayLike<number>[]): Float32Array =>
  Float32Array.from(parts.flatMap((p) => Array.from(p)));
