/**
 * @file Tracing through matrix products. A product with weights makes one token of what it sums over; a product of
 * two activations is attention, where the left operand's row (the query) keeps its place.
 */
import { intAttribute, stringAttribute } from "../../onnx/attributes.js";
import { broadcastDims, concat, type IndexTensor, take, transpose } from "./index-tensor.js";
import { joined, range, united } from "./join.js";
import { NOWHERE } from "./origins.js";
import { reshape } from "./reshape.js";
import type { TraceContext, TraceRule } from "./rule.js";

/** [.., M, K] → [.., M, N]: one row of the left operand makes a row of the output. */
function rowsOf(c: TraceContext, x: IndexTensor, columns: number): IndexTensor {
  const rows = joined(c, x, [x.dims.length - 1]);
  return { ...rows, dims: [...rows.dims.slice(0, -1), columns], strides: [...rows.strides.slice(0, -1), 0] };
}

/** [.., K, N] → [.., M, N]: all rows of the right operand make each row of the output. */
function columnsOf(c: TraceContext, y: IndexTensor, rows: number): IndexTensor {
  const axis = y.dims.length - 2;
  const columns = joined(c, y, [axis]);
  const dims = columns.dims.map((d, i) => (i === axis ? rows : d));
  return { ...columns, dims, strides: columns.strides.map((s, i) => (i === axis ? 0 : s)) };
}

/** Const [M, K] · tokens [.., K, N]: a row reads the tokens with a weight other than zero. */
function weightedRows(c: TraceContext, y: IndexTensor): IndexTensor | undefined {
  const weights = c.constant(0);
  const [m = 0, k = 0] = weights?.dims.slice(-2) ?? [];
  if (weights === undefined || weights.data.length !== m * k || m * k > 2 ** 20) return undefined;
  if (!weights.data.includes(0)) return undefined;
  const axis = y.dims.length - 2;
  const rows = range(0, m).map((row) => {
    const weighted = range(0, k).filter((i) => weights.data[row * k + i] !== 0);
    return joined(c, take(y, axis, weighted.length > 0 ? weighted : [-1], NOWHERE), [axis]);
  });
  return concat(rows, axis);
}

export const matmul: TraceRule = (c) => {
  const aDims = c.traced(0)?.dims ?? c.dims(0);
  const bDims = c.traced(1)?.dims ?? c.dims(1);
  if (aDims === undefined || bDims === undefined) return "multiplies a matrix of unknown size";
  // A vector on either side is a matrix with an axis of length 1 that the output does not have.
  const a = aDims.length === 1 ? [1, ...aDims] : aDims;
  const b = bDims.length === 1 ? [...bDims, 1] : bDims;
  const [m = 1, n = 1] = [a.at(-2), b.at(-1)];
  const outer = broadcastDims([a.slice(0, -2), b.slice(0, -2)]);
  if (outer === undefined) return "multiplies shapes that do not fit";
  const x = c.traced(0);
  const y = c.traced(1);
  const parts: IndexTensor[] = [];
  if (x !== undefined) parts.push(rowsOf(c, reshape(x, a), n));
  if (y !== undefined && (x === undefined || c.mode === "reads")) {
    const right = reshape(y, b);
    parts.push((x === undefined ? weightedRows(c, right) : undefined) ?? columnsOf(c, right, m));
  }
  const result = united(c, parts, [...outer, m, n]);
  if (typeof result === "string" || (aDims.length > 1 && bDims.length > 1)) return result;
  const dims = [...outer, ...(aDims.length > 1 ? [m] : []), ...(bDims.length > 1 ? [n] : [])];
  return result.map((r) => reshape(r, dims));
};

export const gemm: TraceRule = (c) => {
  const flip = (x: IndexTensor | undefined, attribute: string): IndexTensor | undefined =>
    x !== undefined && intAttribute(c.node, attribute, 0) === 1 ? transpose(x, [1, 0]) : x;
  const x = flip(c.traced(0), "transA");
  const y = flip(c.traced(1), "transB");
  const dims = c.outputDims(0) ?? c.traced(2)?.dims;
  const m = x?.dims[0] ?? dims?.[0];
  const bDims = y?.dims ?? c.dims(1);
  const n = y?.dims[1] ?? (intAttribute(c.node, "transB", 0) === 1 ? bDims?.[0] : bDims?.[1]);
  if (m === undefined || n === undefined) return "multiplies a matrix of unknown size";
  const parts: IndexTensor[] = [];
  if (x !== undefined) parts.push(rowsOf(c, x, n));
  if (y !== undefined && (x === undefined || c.mode === "reads")) parts.push(columnsOf(c, y, m));
  const bias = c.traced(2);
  if (bias !== undefined) parts.push(bias);
  return united(c, parts, [m, n]);
};

/** Explicit equations without repeated labels in an operand or an ellipsis. */
export const einsum: TraceRule = (c) => {
  const [left = "", right] = stringAttribute(c.node, "equation", "").replaceAll(" ", "").split("->");
  const terms = left.split(",");
  if (right === undefined || left.includes(".")) return "is an Einsum without an explicit output";
  const sizes = new Map<string, number>();
  for (const [i, term] of terms.entries()) {
    const dims = c.traced(i)?.dims ?? c.dims(i);
    if (dims === undefined) return "multiplies a tensor of unknown size";
    [...term].forEach((label, axis) => {
      sizes.set(label, dims[axis] ?? 1);
    });
  }
  const dims = [...right].map((label) => sizes.get(label) ?? 1);
  const parts: IndexTensor[] = [];
  for (const [i, term] of terms.entries()) {
    const x = c.traced(i);
    if (x === undefined || (c.mode === "place" && parts.length > 0)) continue;
    const labels = [...term];
    const summed = labels.flatMap((label, axis) => (right.includes(label) ? [] : [axis]));
    const kept = labels.filter((label) => right.includes(label));
    const reduced = reshape(
      joined(c, x, summed),
      kept.map((label) => sizes.get(label) ?? 1),
    );
    const order = [...right].filter((label) => kept.includes(label));
    const ordered = transpose(
      reduced,
      order.map((label) => kept.indexOf(label)),
    );
    parts.push(
      reshape(
        ordered,
        [...right].map((label) => (kept.includes(label) ? (sizes.get(label) ?? 1) : 1)),
      ),
    );
  }
  return united(c, parts, dims);
};
