/**
 * @file Tracing through operators that only move data. These are exact: the output's content is the input's, at
 * other positions, so windows, rolls, padding and token order come out as the model does them.
 */
import { intAttribute, intsAttribute, stringAttribute } from "../../onnx/attributes.js";
import {
  concat,
  expand,
  filled,
  fromData,
  type IndexTensor,
  slice,
  take,
  toArray,
  transpose,
} from "./index-tensor.js";
import { NOWHERE } from "./origins.js";
import { reshape } from "./reshape.js";
import { frontAxis, type TraceContext, type TraceRule } from "./rule.js";

const range = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

const size = (dims: readonly number[]): number => dims.reduce((p, d) => p * d, 1);

/** The trace of an input, or NOWHERE all over for a constant of known size. */
function tracedOrNowhere(c: TraceContext, index: number): IndexTensor | undefined {
  const dims = c.dims(index);
  return c.traced(index) ?? (dims === undefined ? undefined : filled(dims, NOWHERE));
}

/** Axes from the attribute (before opset 13) or from a constant input. */
function axesOf(c: TraceContext, index: number): readonly number[] | undefined {
  return c.ints(index) ?? intsAttribute(c.node, "axes");
}

function reshaped(x: IndexTensor, dims: readonly number[] | undefined): readonly IndexTensor[] | string {
  if (dims === undefined) return "reshapes to a shape that cannot be known";
  return size(dims) === size(x.dims) ? [reshape(x, dims)] : "reshapes to another number of elements";
}

/** Output dims as inferred, else from a constant shape with 0 (keep) and −1 (rest). */
function reshapeTarget(c: TraceContext, x: IndexTensor): readonly number[] | undefined {
  const inferred = c.outputDims(0);
  if (inferred !== undefined) return inferred;
  const wanted = c.ints(1);
  if (wanted === undefined) return undefined;
  const keep = intAttribute(c.node, "allowzero", 0) === 0;
  const dims = wanted.map((d, i) => (d === 0 && keep ? (x.dims[i] ?? 1) : d));
  const known = dims.reduce((p, d) => (d < 0 ? p : p * d), 1);
  return dims.map((d) => (d < 0 ? size(x.dims) / known : d));
}

const onFirst =
  (rule: (x: IndexTensor, c: TraceContext) => readonly IndexTensor[] | string): TraceRule =>
  (c) => {
    const x = c.traced(0);
    return x === undefined ? "takes its shape from the tokens" : rule(x, c);
  };

const reshapeRule = onFirst((x, c) => reshaped(x, reshapeTarget(c, x)));

const flattenRule = onFirst((x, c) => {
  const axis = frontAxis(intAttribute(c.node, "axis", 1), x.dims.length);
  return [reshape(x, [size(x.dims.slice(0, axis)), size(x.dims.slice(axis))])];
});

const transposeRule = onFirst((x, c) => [
  transpose(x, intsAttribute(c.node, "perm") ?? range(x.dims.length).reverse()),
]);

const squeezeRule = onFirst((x, c) => {
  const axes = axesOf(c, 1)?.map((a) => frontAxis(a, x.dims.length));
  const dims = x.dims.filter((d, i) => (axes === undefined ? d !== 1 : !axes.includes(i)));
  return reshaped(x, dims);
});

const unsqueezeRule = onFirst((x, c) => {
  const given = axesOf(c, 1);
  if (given === undefined) return reshaped(x, c.outputDims(0));
  const rank = x.dims.length + given.length;
  const axes = given.map((a) => frontAxis(a, rank));
  const rest = [...x.dims];
  return [
    reshape(
      x,
      range(rank).map((i) => (axes.includes(i) ? 1 : (rest.shift() ?? 1))),
    ),
  ];
});

const sliceRule = onFirst((x, c) => {
  const starts = c.ints(1) ?? intsAttribute(c.node, "starts");
  const ends = c.ints(2) ?? intsAttribute(c.node, "ends");
  if (starts === undefined || ends === undefined) return "slices at positions that are computed";
  const axes = axesOf(c, 3) ?? range(starts.length);
  const steps = c.ints(4) ?? starts.map(() => 1);
  let result = x;
  starts.forEach((from, i) => {
    const axis = frontAxis(axes[i] ?? i, x.dims.length);
    const length = x.dims[axis] ?? 0;
    const step = steps[i] ?? 1;
    const low = step < 0 ? -1 : 0;
    const high = step < 0 ? length - 1 : length;
    const clamp = (v: number): number => Math.min(Math.max(v < 0 ? v + length : v, low), high);
    const start = clamp(from);
    const end = clamp(ends[i] ?? length);
    result = slice(result, axis, start, step, Math.max(0, Math.ceil((end - start) / step)));
  });
  return [result];
});

const splitRule = onFirst((x, c) => {
  const axis = frontAxis(intAttribute(c.node, "axis", 0), x.dims.length);
  const count = c.node.outputs.length;
  const length = x.dims[axis] ?? 0;
  const even = Math.ceil(length / count);
  const sizes =
    c.ints(1) ??
    intsAttribute(c.node, "split") ??
    range(count).map((i) => Math.max(0, Math.min(even, length - i * even)));
  let start = 0;
  return sizes.map((n) => {
    const part = slice(x, axis, start, 1, n);
    start += n;
    return part;
  });
});

const concatRule: TraceRule = (c) => {
  const parts = c.node.inputs.map((_, i) => tracedOrNowhere(c, i));
  const known = parts.filter((p) => p !== undefined);
  const first = known[0];
  if (first === undefined || known.length < parts.length) return "joins a tensor of unknown size";
  return [concat(known, frontAxis(intAttribute(c.node, "axis", 0), first.dims.length))];
};

/** Where each position of a padded axis comes from; −1 for the constant. Undefined for an unknown mode. */
function paddedPositions(length: number, before: number, after: number, mode: string): number[] | undefined {
  const positions = range(length + before + after).map((i) => i - before);
  const last = length - 1;
  switch (mode) {
    case "constant":
      return positions.map((p) => (p < 0 || p > last ? -1 : p));
    case "edge":
      return positions.map((p) => Math.min(Math.max(p, 0), last));
    case "wrap":
      return positions.map((p) => ((p % length) + length) % length);
    case "reflect":
      return positions.map((p) => (p < 0 ? -p : p > last ? 2 * last - p : p));
    default:
      return undefined;
  }
}

const padRule = onFirst((x, c) => {
  const pads = c.ints(1) ?? intsAttribute(c.node, "pads");
  if (pads === undefined) return "pads by an amount that is computed";
  const rank = x.dims.length;
  const axes = (c.ints(3) ?? range(pads.length / 2)).map((a) => frontAxis(a, rank));
  let result = x;
  for (const [i, axis] of axes.entries()) {
    const before = pads[i] ?? 0;
    const after = pads[i + axes.length] ?? 0;
    if (before === 0 && after === 0) continue;
    const mode = stringAttribute(c.node, "mode", "constant");
    const positions = paddedPositions(x.dims[axis] ?? 0, before, after, mode);
    if (positions === undefined) return `pads in mode ${mode}`;
    result = take(result, axis, positions, NOWHERE);
  }
  return [result];
});

const gatherRule = onFirst((x, c) => {
  const indices = c.ints(1);
  if (indices === undefined) return "picks positions that are computed";
  const axis = frontAxis(intAttribute(c.node, "axis", 0), x.dims.length);
  const length = x.dims[axis] ?? 0;
  const picked = take(
    x,
    axis,
    indices.map((i) => frontAxis(i, length)),
    NOWHERE,
  );
  const indexDims = c.dims(1) ?? [indices.length];
  return [reshape(picked, [...x.dims.slice(0, axis), ...indexDims, ...x.dims.slice(axis + 1)])];
});

const gatherNdRule = onFirst((x, c) => {
  const indices = c.ints(1);
  const indexDims = c.dims(1);
  if (indices === undefined || indexDims === undefined || intAttribute(c.node, "batch_dims", 0) !== 0) {
    return "picks positions that are computed";
  }
  const depth = indexDims.at(-1) ?? 0;
  const outer = x.dims.slice(0, depth);
  const rows = range(indices.length / depth).map((row) =>
    outer.reduce((flat, d, k) => flat * d + frontAxis(indices[row * depth + k] ?? 0, d), 0),
  );
  const flat = reshape(x, [size(outer), ...x.dims.slice(depth)]);
  return [reshape(take(flat, 0, rows, NOWHERE), [...indexDims.slice(0, -1), ...x.dims.slice(depth)])];
});

const scatterNdRule: TraceRule = (c) => {
  const base = tracedOrNowhere(c, 0);
  const updates = tracedOrNowhere(c, 2);
  const indices = c.ints(1);
  const indexDims = c.dims(1);
  if (base === undefined || updates === undefined || indices === undefined || indexDims === undefined) {
    return "writes to positions that are computed";
  }
  const depth = indexDims.at(-1) ?? 0;
  const outer = base.dims.slice(0, depth);
  const inner = size(base.dims.slice(depth));
  const data = toArray(base);
  const news = toArray(updates);
  for (let row = 0; row < indices.length / depth; row++) {
    const target = outer.reduce((flat, d, k) => flat * d + frontAxis(indices[row * depth + k] ?? 0, d), 0);
    data.set(news.subarray(row * inner, (row + 1) * inner), target * inner);
  }
  return [fromData(base.dims, data)];
};

const expandRule = onFirst((x, c) => {
  const dims = c.outputDims(0);
  const result = dims === undefined ? undefined : expand(x, dims);
  return result === undefined ? "expands to a shape that cannot be known" : [result];
});

const tileRule = onFirst((x, c) => {
  const repeats = c.ints(1);
  if (repeats === undefined) return "repeats a number of times that is computed";
  let result = x;
  for (const [axis, n] of repeats.entries()) {
    const length = x.dims[axis] ?? 1;
    if (n !== 1)
      result = take(
        result,
        axis,
        range(length * n).map((i) => i % length),
        NOWHERE,
      );
  }
  return [result];
});

const depthToSpaceRule = onFirst((x, c) => {
  const [n = 1, channels = 1, h = 1, w = 1] = x.dims;
  const b = intAttribute(c.node, "blocksize", 1);
  const depth = channels / (b * b);
  const crd = stringAttribute(c.node, "mode", "DCR") === "CRD";
  const split = reshape(x, crd ? [n, depth, b, b, h, w] : [n, b, b, depth, h, w]);
  const moved = transpose(split, crd ? [0, 1, 4, 2, 5, 3] : [0, 3, 4, 1, 5, 2]);
  return [reshape(moved, [n, depth, h * b, w * b])];
});

const spaceToDepthRule = onFirst((x, c) => {
  const [n = 1, channels = 1, h = 1, w = 1] = x.dims;
  const b = intAttribute(c.node, "blocksize", 1);
  const moved = transpose(reshape(x, [n, channels, h / b, b, w / b, b]), [0, 3, 5, 1, 2, 4]);
  return [reshape(moved, [n, channels * b * b, h / b, w / b])];
});

/** ONNX Runtime's way back from its blocked channels (com.microsoft.nchwc), whose padding channels are cut off. */
const reorderOutputRule = onFirst((x, c) => {
  const kept = slice(x, 1, 0, 1, intAttribute(c.node, "channels", x.dims[1] ?? 1));
  return [intAttribute(c.node, "channels_last", 0) === 0 ? kept : transpose(kept, [0, 2, 3, 1])];
});

export const MOVEMENT_RULES: Readonly<Record<string, TraceRule>> = {
  Reshape: reshapeRule,
  Flatten: flattenRule,
  Transpose: transposeRule,
  Squeeze: squeezeRule,
  Unsqueeze: unsqueezeRule,
  Slice: sliceRule,
  Split: splitRule,
  Concat: concatRule,
  Pad: padRule,
  Gather: gatherRule,
  GatherND: gatherNdRule,
  ScatterND: scatterNdRule,
  Expand: expandRule,
  Tile: tileRule,
  DepthToSpace: depthToSpaceRule,
  SpaceToDepth: spaceToDepthRule,
  ReorderOutput: reorderOutputRule,
};
