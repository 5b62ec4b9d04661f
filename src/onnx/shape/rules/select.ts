/** @file Shapes of operators that cut out, join or pick elements: Slice, Concat, Split, Gather, Pad. */
import { intAttribute, intsAttribute } from "../../attributes.js";
import { addDim, type Dim, dim, type Shape, subDim } from "../../dim.js";
import {
  axesOf,
  axisAttribute,
  type InferRule,
  inputInts,
  inputNumbers,
  inputShape,
  inputType,
  normalAxis,
  type RuleTable,
  withDim,
} from "../rule.js";

/**
 * Where a slice bound falls in [0, size], following ONNX: negative counts from the end, and out of range is
 * clamped. Undefined when that depends on N in a way the algebra cannot say.
 */
export function clampBound(bound: Dim, size: Dim, step: number, isStart: boolean): Dim {
  if (bound === null) return null;
  const fromEnd = typeof bound === "number" ? bound < 0 : bound.scale < 0;
  if (typeof size === "number" && typeof bound === "number") {
    const at = fromEnd ? bound + size : bound;
    // Backwards, a slice may end before the first element but not start there.
    return step > 0 ? Math.min(Math.max(at, 0), size) : Math.min(Math.max(at, isStart ? 0 : -1), size - 1);
  }
  if (typeof bound === "number" && step > 0) {
    if (bound === 0) return 0;
    // INT_MAX and its kin say "to the end".
    if (bound >= 2 ** 31 - 1) return size;
    if (bound <= -(2 ** 31 - 1)) return 0;
    if (size === null) return null;
    const at = fromEnd ? addDim(size, bound) : bound;
    // For N ≥ 1 a bound must fall on the same side for every N, or nobody can tell.
    const smallest = smallestOf(size);
    return smallest !== null && (fromEnd ? smallest + bound >= 0 : smallest >= bound) ? at : null;
  }
  if (step < 0 || size === null) return null;
  if (typeof bound === "number") return null;
  const difference = subDim(size, bound);
  const smallest = smallestOf(difference);
  if (smallest !== null && smallest >= 0 && (smallestOf(bound) ?? -1) >= 0) return bound;
  const largest = largestOf(difference);
  return largest !== null && largest <= 0 ? size : null;
}

function smallestOf(d: Dim): number | null {
  if (d === null || typeof d === "number") return d;
  return d.scale > 0 ? d.scale + d.offset : null;
}

function largestOf(d: Dim): number | null {
  if (d === null || typeof d === "number") return d;
  return d.scale < 0 ? d.scale + d.offset : null;
}

/** Number of elements of a slice along one axis. */
export function sliceDim(size: Dim, start: Dim, end: Dim, step: Dim): Dim {
  if (typeof step !== "number" || step === 0) return null;
  if (typeof size !== "number" && step < 0) {
    // A whole axis turned round.
    const whole = start === -1 && typeof end === "number" && end <= -(2 ** 31 - 1);
    return whole && step === -1 ? size : null;
  }
  const from = clampBound(start, size, step, true);
  const to = clampBound(end, size, step, false);
  const length = subDim(to, from);
  if (length === null) return null;
  if (typeof length === "number") return Math.max(0, Math.ceil(length / step));
  const scale = length.scale / step;
  return Number.isInteger(scale) ? dim(scale, Math.ceil(length.offset / step)) : null;
}

const slice: InferRule = (node, context) => {
  const { dtype, shape } = inputType(node, 0, context);
  if (shape === undefined) return [{ dtype, shape }];
  const starts = intsAttribute(node, "starts") ?? inputInts(node, 1, context);
  const ends = intsAttribute(node, "ends") ?? inputInts(node, 2, context);
  const axes = axesOf(node, 3, context);
  if (axes === null) return [{ dtype, shape: shape.map(() => null) }];
  const steps = node.inputs[4] ? inputInts(node, 4, context) : undefined;
  const out: Dim[] = [...shape];
  const count = axes?.length ?? starts?.length ?? ends?.length;
  if (count === undefined) return [{ dtype, shape: shape.map(() => null) }];
  for (let i = 0; i < count; i++) {
    const axis = normalAxis(axes?.[i] ?? i, shape.length);
    const step = node.inputs[4] ? (steps?.[i] ?? null) : 1;
    out[axis] = sliceDim(shape[axis] ?? null, starts?.[i] ?? null, ends?.[i] ?? null, step);
  }
  return [{ dtype, shape: out }];
};

const concat: InferRule = (node, context) => {
  const types = node.inputs.map((_, i) => inputType(node, i, context));
  const dtype = types[0]?.dtype ?? "other";
  const known = types.flatMap(({ shape }) => (shape === undefined ? [] : [shape]));
  const [first] = known;
  if (first === undefined) return [{ dtype, shape: undefined }];
  const axis = axisAttribute(node, 0, first.length);
  if (axis === undefined || known.some((shape) => shape.length !== first.length)) {
    return [{ dtype, shape: undefined }];
  }
  const all = types.map(({ shape }) => shape?.[axis] ?? null);
  const out: Shape = first.map((_, i) =>
    i === axis
      ? all.reduce<Dim>((sum, d) => addDim(sum, d), 0)
      : (known.map((shape) => shape[i] ?? null).find((d) => d !== null) ?? null),
  );
  return [{ dtype, shape: out }];
};

/** Sizes of Split's parts: given, or equal with a smaller last one. */
export function splitSizes(size: Dim, given: readonly Dim[] | undefined, parts: number): readonly Dim[] {
  if (given !== undefined) return given;
  if (typeof size !== "number") {
    if (size !== null && size.scale % parts === 0 && size.offset % parts === 0) {
      return new Array<Dim>(parts).fill(dim(size.scale / parts, size.offset / parts));
    }
    return new Array<Dim>(parts).fill(null);
  }
  const each = Math.ceil(size / parts);
  return Array.from({ length: parts }, (_, i) => Math.max(0, Math.min(each, size - i * each)));
}

const split: InferRule = (node, context) => {
  const { dtype, shape } = inputType(node, 0, context);
  const axis = shape && axisAttribute(node, 0, shape.length);
  if (shape === undefined || axis === undefined) return node.outputs.map(() => ({ dtype, shape: undefined }));
  const given = intsAttribute(node, "split") ?? (node.inputs[1] ? inputInts(node, 1, context) : undefined);
  const unknown = node.inputs[1] && given === undefined;
  const sizes = unknown ? [] : splitSizes(shape[axis] ?? null, given, node.outputs.length);
  return node.outputs.map((_, i) => ({ dtype, shape: withDim(shape, axis, sizes[i] ?? null) }));
};

const gather: InferRule = (node, context) => {
  const { dtype, shape } = inputType(node, 0, context);
  const indices = inputShape(node, 1, context);
  const axis = shape && axisAttribute(node, 0, shape.length);
  if (shape === undefined || indices === undefined || axis === undefined)
    return [{ dtype, shape: undefined }];
  return [{ dtype, shape: [...shape.slice(0, axis), ...indices, ...shape.slice(axis + 1)] }];
};

const gatherElements: InferRule = (node, context) => [
  { dtype: inputType(node, 0, context).dtype, shape: inputShape(node, 1, context) },
];

const gatherNd: InferRule = (node, context) => {
  const { dtype, shape } = inputType(node, 0, context);
  const indices = inputShape(node, 1, context);
  const last = indices?.[indices.length - 1];
  const batch = intAttribute(node, "batch_dims", 0);
  if (shape === undefined || indices === undefined || typeof last !== "number") {
    return [{ dtype, shape: undefined }];
  }
  return [{ dtype, shape: [...indices.slice(0, -1), ...shape.slice(batch + last)] }];
};

const pad: InferRule = (node, context) => {
  const { dtype, shape } = inputType(node, 0, context);
  if (shape === undefined) return [{ dtype, shape }];
  const pads = intsAttribute(node, "pads") ?? inputInts(node, 1, context);
  const axes = node.inputs[3] ? inputNumbers(node, 3, context) : [...shape.keys()];
  if (pads === undefined || axes === undefined) return [{ dtype, shape: shape.map(() => null) }];
  const out: Dim[] = [...shape];
  for (const [i, axis] of axes.entries()) {
    const at = normalAxis(axis, shape.length);
    out[at] = addDim(out[at] ?? null, addDim(pads[i] ?? null, pads[i + axes.length] ?? null));
  }
  return [{ dtype, shape: out }];
};

const compress: InferRule = (node, context) => {
  const { dtype, shape } = inputType(node, 0, context);
  const axis = intAttribute(node, "axis");
  if (axis === undefined) return [{ dtype, shape: [null] }];
  return [{ dtype, shape: shape && withDim(shape, normalAxis(axis, shape.length), null) }];
};

export const selectRules: RuleTable = {
  Slice: slice,
  Concat: concat,
  Split: split,
  Gather: gather,
  GatherElements: gatherElements,
  GatherND: gatherNd,
  Pad: pad,
  Compress: compress,
};
