/** @file Matrix products, reductions and Softmax on constants, in double precision before the last rounding. */
import { floatAttribute, intAttribute, intsAttribute } from "../attributes.js";
import type { Node } from "../graph.js";
import { allocate, countOf, type NumberArray } from "./array.js";
import { broadcastIndex } from "./movement.js";
import { normalAxis } from "./rule.js";

/** More multiplications than this are left to the runtime. */
const WORK_LIMIT = 2 ** 26;

export function matmul(a: NumberArray, b: NumberArray, dims: readonly number[]): NumberArray | undefined {
  if (a.dims.length < 2 || b.dims.length < 2) return undefined;
  const [m = 1, k = 1] = a.dims.slice(-2);
  const n = b.dims.at(-1) ?? 1;
  if (countOf(dims) * k > WORK_LIMIT) return undefined;
  const batch = dims.slice(0, -2);
  const rowsOf = broadcastIndex(a.dims.slice(0, -2), batch);
  const columnsOf = broadcastIndex(b.dims.slice(0, -2), batch);
  const data = allocate(a.dtype, countOf(dims));
  const row = new Float64Array(n);
  for (let p = 0; p < countOf(batch); p++) {
    const left = (rowsOf[p] ?? 0) * m * k;
    const right = (columnsOf[p] ?? 0) * k * n;
    for (let i = 0; i < m; i++) {
      row.fill(0);
      for (let l = 0; l < k; l++) {
        const x = a.data[left + i * k + l] ?? 0;
        for (let j = 0; j < n; j++) row[j] = (row[j] ?? 0) + x * (b.data[right + l * n + j] ?? 0);
      }
      data.set(row, (p * m + i) * n);
    }
  }
  return { dtype: a.dtype, dims, data };
}

function transposed({ dtype, dims, data }: NumberArray): NumberArray {
  const [m = 1, n = 1] = dims;
  const out = allocate(dtype, data.length).map((_, i) => data[(i % m) * n + Math.floor(i / m)] ?? 0);
  return { dtype, dims: [n, m], data: out };
}

export function gemm(
  node: Node,
  a: NumberArray,
  b: NumberArray,
  c: NumberArray | undefined,
  dims: readonly number[],
): NumberArray | undefined {
  const left = intAttribute(node, "transA", 0) ? transposed(a) : a;
  const right = intAttribute(node, "transB", 0) ? transposed(b) : b;
  const product = matmul(left, right, dims);
  if (product === undefined) return undefined;
  const alpha = floatAttribute(node, "alpha", 1);
  const beta = floatAttribute(node, "beta", 1);
  const at = c && broadcastIndex(c.dims, dims);
  const data = product.data.map((x, i) => alpha * x + (c && at ? beta * (c.data[at[i] ?? 0] ?? 0) : 0));
  return { ...product, data };
}

interface Reduction {
  readonly first: number;
  readonly step: (sum: number, x: number) => number;
  readonly last?: (sum: number, count: number) => number;
}

const REDUCTIONS: Readonly<Record<string, Reduction>> = {
  ReduceL1: { first: 0, step: (s, x) => s + Math.abs(x) },
  ReduceL2: { first: 0, step: (s, x) => s + x * x, last: Math.sqrt },
  ReduceMax: { first: Number.NEGATIVE_INFINITY, step: Math.max },
  ReduceMean: { first: 0, step: (s, x) => s + x, last: (s, count) => s / count },
  ReduceMin: { first: Number.POSITIVE_INFINITY, step: Math.min },
  ReduceProd: { first: 1, step: (s, x) => s * x },
  ReduceSum: { first: 0, step: (s, x) => s + x },
  ReduceSumSquare: { first: 0, step: (s, x) => s + x * x },
};

export function reduce(
  node: Node,
  a: NumberArray,
  axesInput: NumberArray | undefined,
  dims: readonly number[],
): NumberArray | undefined {
  const reduction = REDUCTIONS[node.op];
  const size = countOf(dims);
  if (reduction === undefined || size === 0 || a.data.length === 0) return undefined;
  const given = intsAttribute(node, "axes") ?? (axesInput ? Array.from(axesInput.data) : []);
  if (given.length === 0 && intAttribute(node, "noop_with_empty_axes", 0) !== 0) return a;
  const axes = new Set(
    given.length === 0 ? a.dims.keys() : given.map((axis) => normalAxis(axis, a.dims.length)),
  );
  const kept = a.dims.map((d, i) => (axes.has(i) ? 1 : d));
  const target = broadcastIndex(kept, a.dims);
  const sums = new Float64Array(size).fill(reduction.first);
  for (let i = 0; i < a.data.length; i++) {
    const at = target[i] ?? 0;
    sums[at] = reduction.step(sums[at] ?? 0, a.data[i] ?? 0);
  }
  const count = a.data.length / size;
  const { last } = reduction;
  const whole = a.dtype !== "float32" && a.dtype !== "float64";
  const data = allocate(a.dtype, size);
  for (let i = 0; i < size; i++) {
    const value = last ? last(sums[i] ?? 0, count) : (sums[i] ?? 0);
    data[i] = whole ? Math.trunc(value) : value;
  }
  return { dtype: a.dtype, dims, data };
}

/** Softmax along one axis (opset 13 and later). */
export function softmax(node: Node, a: NumberArray): NumberArray {
  const axis = normalAxis(intAttribute(node, "axis", -1), a.dims.length);
  const extent = a.dims[axis] ?? 1;
  const inner = countOf(a.dims.slice(axis + 1));
  const data = allocate(a.dtype, a.data.length);
  for (let start = 0; start < data.length; start++) {
    if (Math.floor(start / inner) % extent !== 0) continue;
    let max = Number.NEGATIVE_INFINITY;
    for (let i = 0; i < extent; i++) max = Math.max(max, a.data[start + i * inner] ?? 0);
    let sum = 0;
    for (let i = 0; i < extent; i++) sum += Math.exp((a.data[start + i * inner] ?? 0) - max);
    for (let i = 0; i < extent; i++) {
      data[start + i * inner] = Math.exp((a.data[start + i * inner] ?? 0) - max) / sum;
    }
  }
  return { dtype: a.dtype, dims: a.dims, data };
}
