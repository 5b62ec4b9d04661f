/** @file How tensors of a checkpoint are laid out as constants of a graph, and how a gradient comes back: both ways in one place. */
import { addTransposed, transposeInto } from "./transpose.js";

/** Fills `out`, which holds zeros, from the parts. */
export type Compute = (parts: readonly Float32Array[], out: Float32Array) => void;

/**
 * Adds to the parts' gradients what the gradient by `out` makes them.
 *
 * @param values the parts themselves, where the gradients are taken: only what is not linear in them asks for any
 */
export type Adjoint = (
  out: Float32Array,
  parts: readonly Float32Array[],
  values: readonly Float32Array[],
) => void;

export interface Rearrangement {
  readonly compute: Compute;
  readonly adjoint: Adjoint;
}

export const copy: Compute = ([from], out) => {
  if (from) out.set(from);
};

export const addBack: Adjoint = (out, [part]) => {
  if (part) addTo(part, out, 0);
};

/** Adds `part.length` elements of `from`, beginning at `at`. */
export function addTo(part: Float32Array, from: Float32Array, at: number): void {
  for (let i = 0; i < part.length; i++) part[i] = (part[i] ?? 0) + (from[at + i] ?? 0);
}

/** Matrices [outputs, inputs] as one [inputs, count·outputs]. */
export function sideBySide(count: number, outputs: number, inputs: number): Rearrangement {
  const place = (i: number) => ({ rows: outputs, columns: inputs, stride: count * outputs, at: i * outputs });
  return {
    compute: (parts, out) => {
      for (const [i, part] of parts.entries()) transposeInto(out, part, place(i));
    },
    adjoint: (out, parts) => {
      for (const [i, part] of parts.entries()) addTransposed(part, out, place(i));
    },
  };
}

/** Vectors one after the other, with zeros for `undefined`. */
export function endToEnd(names: readonly (string | undefined)[], length: number): Rearrangement {
  const places = names.flatMap((name, i) => (name === undefined ? [] : [i * length]));
  return {
    compute: (parts, out) => {
      for (const [i, part] of parts.entries()) out.set(part, places[i] ?? 0);
    },
    adjoint: (out, parts) => {
      for (const [i, part] of parts.entries()) addTo(part, out, places[i] ?? 0);
    },
  };
}
