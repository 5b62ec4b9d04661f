/**
 * @file Dimensions with a symbolic batch. A vision transformer's shapes are numbers, or a multiple of the
 * batch size N (windows: 4·N, patches in one list: N·g_h·g_w), so a dimension is scale·N + offset; `null`
 * is a dimension nobody knows. This small algebra is what lets exporters' shape arithmetic be folded away.
 */

/** scale·N + offset with scale ≠ 0; N is the batch size. */
export interface BatchDim {
  readonly scale: number;
  readonly offset: number;
}

/** A dimension: a number, a function of the batch, or unknown (null). */
export type Dim = number | BatchDim | null;

/** Dimensions of a tensor, or undefined where not even the rank is known. */
export type Shape = readonly Dim[];

/** The batch size N itself. */
export const BATCH: BatchDim = { scale: 1, offset: 0 };

/** scale·N + offset in canonical form: a plain number when scale is 0. */
export function dim(scale: number, offset: number): number | BatchDim {
  return scale === 0 ? offset : { scale, offset };
}

const scaleOf = (d: number | BatchDim): number => (typeof d === "number" ? 0 : d.scale);
const offsetOf = (d: number | BatchDim): number => (typeof d === "number" ? d : d.offset);

export function addDim(a: Dim, b: Dim): Dim {
  if (a === null || b === null) return null;
  return dim(scaleOf(a) + scaleOf(b), offsetOf(a) + offsetOf(b));
}

export function subDim(a: Dim, b: Dim): Dim {
  if (a === null || b === null) return null;
  return dim(scaleOf(a) - scaleOf(b), offsetOf(a) - offsetOf(b));
}

/** a·b; unknown when it would be quadratic in N. */
export function mulDim(a: Dim, b: Dim): Dim {
  if (a === 0 || b === 0) return 0;
  if (a === null || b === null) return null;
  if (typeof a === "number") return dim(a * scaleOf(b), a * offsetOf(b));
  if (typeof b === "number") return dim(b * a.scale, b * a.offset);
  return null;
}

/** a/b where it is exact for every N, else unknown. */
export function divDim(a: Dim, b: Dim): Dim {
  if (a === null || b === null || b === 0) return null;
  if (typeof b === "number") {
    const scale = scaleOf(a) / b;
    const offset = offsetOf(a) / b;
    return Number.isInteger(scale) && Number.isInteger(offset) ? dim(scale, offset) : null;
  }
  const ratio = scaleOf(a) / b.scale;
  return Number.isInteger(ratio) && ratio * b.offset === offsetOf(a) ? ratio : null;
}

/** Equal for every N ≥ 1. Unknown dimensions equal nothing. */
export function sameDim(a: Dim | undefined, b: Dim | undefined): boolean {
  if (a === null || b === null || a === undefined || b === undefined) return false;
  return scaleOf(a) === scaleOf(b) && offsetOf(a) === offsetOf(b);
}

/** True, false, or undefined where it depends on N (or on something unknown). N is at least 1. */
export function equalsAlways(a: Dim, b: Dim): boolean | undefined {
  const difference = subDim(a, b);
  if (difference === null) return undefined;
  if (typeof difference === "number") return difference === 0;
  const root = -difference.offset / difference.scale;
  return Number.isInteger(root) && root >= 1 ? undefined : false;
}

export function isStatic(d: Dim | undefined): d is number {
  return typeof d === "number";
}

export function isStaticShape(shape: Shape | undefined): shape is readonly number[] {
  return shape?.every(isStatic) ?? false;
}

/** Product of dimensions (1 for a scalar). */
export function sizeOf(shape: Shape): Dim {
  return shape.reduce<Dim>((product, d) => mulDim(product, d), 1);
}

/** The dimension at a given batch size. */
export function dimAt(d: Dim, batch: number): number | null {
  return d === null ? null : scaleOf(d) * batch + offsetOf(d);
}

/** "N", "4N", "197", "?"; used in messages. */
export function formatDim(d: Dim): string {
  if (d === null) return "?";
  if (typeof d === "number") return String(d);
  const times = d.scale === 1 ? "N" : `${d.scale}N`;
  return d.offset === 0 ? times : `${times}${d.offset > 0 ? "+" : ""}${d.offset}`;
}

export function formatShape(shape: Shape | undefined): string {
  return shape === undefined ? "[unknown rank]" : `[${shape.map(formatDim).join(", ")}]`;
}
