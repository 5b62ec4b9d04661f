/**
 * @file Integer tensors as strided views, for following data movement through a graph. An axis along which
 * nothing changes (channels, heads) has stride 0 and costs nothing, so a trace through a ViT-L moves a few
 * hundred integers, not megabytes. Every function returns a view where it can and copies only what it must.
 */

export interface IndexTensor {
  readonly dims: readonly number[];
  /** In elements of `data`; 0 along an axis where the content does not change. */
  readonly strides: readonly number[];
  readonly offset: number;
  readonly data: Int32Array;
}

export const product = (values: readonly number[]): number => values.reduce((p, v) => p * v, 1);

/** Row-major strides, 0 for the axes that `collapsed` marks (and for axes of length 1). */
export function packedStrides(dims: readonly number[], collapsed: readonly boolean[]): number[] {
  const strides = new Array<number>(dims.length).fill(0);
  let step = 1;
  for (let axis = dims.length - 1; axis >= 0; axis--) {
    const length = dims[axis] ?? 1;
    if (collapsed[axis] || length === 1) continue;
    strides[axis] = step;
    step *= length;
  }
  return strides;
}

/** A tensor that holds one value everywhere. */
export function filled(dims: readonly number[], value: number): IndexTensor {
  return { dims, strides: dims.map(() => 0), offset: 0, data: Int32Array.of(value) };
}

/** A row-major tensor. */
export function fromData(dims: readonly number[], data: Int32Array): IndexTensor {
  const none = dims.map(() => false);
  return { dims, strides: packedStrides(dims, none), offset: 0, data };
}

type Strided = Pick<IndexTensor, "strides" | "offset">;

/**
 * Calls visit with the data offsets of both operands at each position of `dims`, in row-major order, until it
 * returns true.
 */
function walk(
  dims: readonly number[],
  a: Strided,
  b: Strided,
  // biome-ignore lint/suspicious/noConfusingVoidType: most visitors have nothing to say.
  visit: (a: number, b: number) => boolean | void,
): void {
  if (dims.includes(0)) return;
  const axes = dims.flatMap((length, axis) =>
    length === 1 ? [] : [{ length, a: a.strides[axis] ?? 0, b: b.strides[axis] ?? 0 }],
  );
  const inner = axes.pop() ?? { length: 1, a: 0, b: 0 };
  const position = new Int32Array(axes.length);
  let fromA = a.offset;
  let fromB = b.offset;
  for (;;) {
    for (let k = 0; k < inner.length; k++) {
      if (visit(fromA + k * inner.a, fromB + k * inner.b) === true) return;
    }
    let at = axes.length - 1;
    for (let axis = axes[at]; axis !== undefined; axis = axes[--at]) {
      const next = (position[at] ?? 0) + 1;
      const wraps = next === axis.length;
      position[at] = wraps ? 0 : next;
      fromA += wraps ? -axis.a * (next - 1) : axis.a;
      fromB += wraps ? -axis.b * (next - 1) : axis.b;
      if (!wraps) break;
    }
    if (at < 0) return;
  }
}

/** The dims with every marked axis read once. */
export const once = (dims: readonly number[], marked: readonly boolean[]): number[] =>
  dims.map((d, axis) => (marked[axis] ? Math.min(d, 1) : d));

/**
 * Elementwise on two tensors of equal dims: axes along which neither changes stay free of charge. The result is
 * collapsed where it turns out not to change either.
 */
export function combine(
  x: IndexTensor,
  y: IndexTensor,
  combineValues: (a: number, b: number) => number,
): IndexTensor {
  const collapsed = x.dims.map((_, axis) => x.strides[axis] === 0 && y.strides[axis] === 0);
  const small = once(x.dims, collapsed);
  const data = new Int32Array(product(small));
  let at = 0;
  walk(small, x, y, (a, b) => {
    data[at++] = combineValues(x.data[a] ?? 0, y.data[b] ?? 0);
  });
  return collapse({ dims: x.dims, strides: packedStrides(x.dims, collapsed), offset: 0, data });
}

/** Sets stride 0 along every axis on which the content does not change. */
export function collapse(t: IndexTensor): IndexTensor {
  let result = t;
  t.dims.forEach((length, axis) => {
    const stride = result.strides[axis] ?? 0;
    if (stride === 0) return;
    const { data, strides, offset } = result;
    const flat = strides.map((s, i) => (i === axis ? 0 : s));
    const small = once(
      result.dims,
      flat.map((s) => s === 0),
    );
    let steady = true;
    for (let k = 1; k < length && steady; k++) {
      walk(small, { strides, offset }, { strides, offset: offset + k * stride }, (a, b) => {
        if (data[a] === data[b]) return false;
        steady = false;
        return true;
      });
    }
    if (steady) result = { ...result, strides: flat };
  });
  return result;
}

/** The content in row-major order, every axis written out. */
export function toArray(t: IndexTensor): Int32Array {
  return written(t, t.dims);
}

/** The content at the positions of `dims`, in row-major order. */
export function written(t: IndexTensor, dims: readonly number[]): Int32Array {
  const data = new Int32Array(product(dims));
  let at = 0;
  walk(dims, t, t, (from) => {
    data[at++] = t.data[from] ?? 0;
  });
  return data;
}

/** The values that occur. Axes that do not change are read once. */
export function distinctIds(t: IndexTensor): Set<number> {
  return new Set(
    written(
      t,
      once(
        t.dims,
        t.strides.map((s) => s === 0),
      ),
    ),
  );
}

export function at(t: IndexTensor, position: readonly number[]): number {
  return t.data[position.reduce((sum, p, axis) => sum + p * (t.strides[axis] ?? 0), t.offset)] ?? 0;
}

/** perm[i] is the old axis that becomes axis i. */
export function transpose(t: IndexTensor, perm: readonly number[]): IndexTensor {
  return { ...t, dims: perm.map((p) => t.dims[p] ?? 1), strides: perm.map((p) => t.strides[p] ?? 0) };
}

/** `count` elements of an axis from `start` on, every `step`-th (step may be negative). */
export function slice(t: IndexTensor, axis: number, start: number, step: number, count: number): IndexTensor {
  const stride = t.strides[axis] ?? 0;
  return {
    ...t,
    dims: t.dims.map((d, i) => (i === axis ? count : d)),
    strides: t.strides.map((s, i) => (i === axis ? s * step : s)),
    offset: t.offset + start * stride,
  };
}

/** Broadcast to dims (numpy's rule: missing leading axes, or length 1). Undefined where that cannot be. */
export function expand(t: IndexTensor, dims: readonly number[]): IndexTensor | undefined {
  const missing = dims.length - t.dims.length;
  if (missing < 0) return undefined;
  const strides: number[] = [];
  for (let axis = 0; axis < dims.length; axis++) {
    const old = axis < missing ? 1 : t.dims[axis - missing];
    if (old !== dims[axis] && old !== 1) return undefined;
    strides.push(axis < missing || old === 1 ? 0 : (t.strides[axis - missing] ?? 0));
  }
  return { ...t, dims, strides };
}

/** The common broadcast shape. Undefined where there is none. */
export function broadcastDims(shapes: readonly (readonly number[])[]): number[] | undefined {
  const rank = Math.max(0, ...shapes.map((s) => s.length));
  const dims: number[] = [];
  for (let axis = 0; axis < rank; axis++) {
    let common = 1;
    for (const shape of shapes) {
      const d = shape[axis - rank + shape.length] ?? 1;
      if (d === 1) continue;
      if (common !== 1 && common !== d) return undefined;
      common = d;
    }
    dims.push(common);
  }
  return dims;
}

/** Joins tensors that agree on all other axes. */
export function concat(parts: readonly IndexTensor[], axis: number): IndexTensor {
  const first = parts[0];
  if (first === undefined) throw new RangeError("nothing to concatenate");
  const total = parts.reduce((sum, p) => sum + (p.dims[axis] ?? 0), 0);
  const dims = first.dims.map((d, i) => (i === axis ? total : d));
  const collapsed = dims.map((_, i) => i !== axis && parts.every((p) => p.strides[i] === 0));
  const strides = packedStrides(dims, collapsed);
  const data = new Int32Array(product(once(dims, collapsed)));
  let start = 0;
  for (const part of parts) {
    const target = { strides, offset: start * (strides[axis] ?? 0) };
    walk(once(part.dims, collapsed), part, target, (from, to) => {
      data[to] = part.data[from] ?? 0;
    });
    start += part.dims[axis] ?? 0;
  }
  return collapse({ dims, strides, offset: 0, data });
}

/** Takes positions of an axis; −1 gives `absent`. */
export function take(
  t: IndexTensor,
  axis: number,
  positions: readonly number[],
  absent: number,
): IndexTensor {
  const dims = t.dims.map((d, i) => (i === axis ? positions.length : d));
  if (positions.every((p) => p === positions[0]) && positions[0] !== undefined && positions[0] >= 0) {
    return { ...slice(t, axis, positions[0], 0, positions.length), dims };
  }
  const collapsed = t.dims.map((_, i) => i !== axis && t.strides[i] === 0);
  const small = once(dims, collapsed);
  const strides = packedStrides(dims, collapsed);
  const data = new Int32Array(product(small));
  const line = small.map((d, i) => (i === axis ? 1 : d));
  positions.forEach((position, k) => {
    const target = { strides, offset: k * (strides[axis] ?? 0) };
    const source = { strides: t.strides, offset: t.offset + Math.max(position, 0) * (t.strides[axis] ?? 0) };
    walk(line, source, target, (from, to) => {
      data[to] = position < 0 ? absent : (t.data[from] ?? 0);
    });
  });
  return collapse({ dims, strides, offset: 0, data });
}

/**
 * Joins the content along axes by `join`, which sees each run of equal values once; the axes keep length 1. Axes
 * that do not change are read once.
 */
export function reduce(
  t: IndexTensor,
  axes: readonly number[],
  join: (values: readonly number[]) => number,
): IndexTensor {
  const inner = t.dims.map((d, axis) => (axes.includes(axis) && t.strides[axis] !== 0 ? d : 1));
  const kept = t.dims.map((d, axis) => (axes.includes(axis) ? 1 : d));
  const collapsed = kept.map((_, axis) => t.strides[axis] === 0 || axes.includes(axis));
  const small = once(kept, collapsed);
  const data = new Int32Array(product(small));
  let at = 0;
  walk(small, t, t, (offset) => {
    const values: number[] = [];
    const line = { strides: t.strides, offset };
    walk(inner, line, line, (from) => {
      const value = t.data[from] ?? 0;
      if (values.at(-1) !== value) values.push(value);
    });
    data[at++] = join(values);
  });
  return { dims: kept, strides: packedStrides(kept, collapsed), offset: 0, data };
}
