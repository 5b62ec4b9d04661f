/**
 * @file Which operators treat the images of a batch independently, and what has to change in their constants. A
 * rule gives the node for a batch, or undefined where images would meet or the place of N is not clear.
 */
import { intAttribute, ints, intsAttribute } from "../attributes.js";
import type { GraphBuilder } from "../builder.js";
import { type Dim, dimAt, isStatic, isStaticShape, type Shape } from "../dim.js";
import type { Node, ValueType } from "../graph.js";
import type { BatchNumbers } from "../shape/materialise.js";
import { axesOf, broadcast, normalAxis } from "../shape/rule.js";
import { elementwiseRules } from "../shape/rules/elementwise.js";
import { placeAfterReshape } from "./reshape.js";

export interface Batching {
  readonly builder: GraphBuilder;
  readonly numbers: BatchNumbers;
  /** Types as they were for one image. */
  readonly before: ReadonlyMap<string, ValueType>;
  /** Entries outer to N on the axis that holds it, where these are not 1 (see BatchPlace). */
  readonly outer: Map<string, number>;
}

export type BatchRule = (node: Node, to: Batching) => Node | undefined;

/** Axes that depend on N. */
const batchAxes = (shape: Shape | undefined): readonly number[] =>
  [...(shape ?? []).entries()].flatMap(([i, d]) => (isStatic(d) ? [] : [i]));

const shapeOf = (to: Batching, node: Node, input = 0): Shape | undefined =>
  to.builder.shapeOf(node.inputs[input] ?? "");

const staticBefore = (to: Batching, name: string | undefined): readonly number[] | undefined => {
  const shape = to.before.get(name ?? "")?.shape;
  return isStaticShape(shape) ? shape : undefined;
};

/** The value repeated for each image along an axis where it has k entries and is to have k·N. */
function spread(name: string, axis: number, to: Batching): string | undefined {
  const shape = to.builder.shapeOf(name);
  if (!isStaticShape(shape)) return undefined;
  const target: Dim[] = shape.map((d, i) => (i === axis ? { scale: 1, offset: 0 } : d));
  const content = (dims: readonly Dim[]): string =>
    to.numbers.value(dims, { dtype: "int64", shape: [dims.length] });
  if (shape[axis] === 1) return to.builder.add("Expand", [name, content(target)]);
  const apart = to.builder.add("Unsqueeze", [name, to.builder.ints([axis])]);
  const copies = to.builder.add("Expand", [apart, content(target.toSpliced(axis + 1, 0, shape[axis] ?? 1))]);
  return to.builder.add("Reshape", [copies, to.builder.ints(shape.map((d, i) => (i === axis ? -1 : d)))]);
}

/** Broadcasting works as it is, but for a constant of k entries along an axis of k·N, which is repeated. */
const elementwise: BatchRule = (node, to) => {
  const shapes = node.inputs.map((name) => (name === "" ? [] : to.builder.shapeOf(name)));
  const rank = Math.max(...shapes.map((shape) => shape?.length ?? 0));
  const inputs = node.inputs.map((name, i): string | undefined => {
    const shape = shapes[i];
    if (shape === undefined) return undefined;
    const lead = rank - shape.length;
    const short = [...shape.entries()].filter(
      ([axis, d]) => isStatic(d) && d > 1 && shapes.some((other) => isBatch(other?.at(axis + lead - rank))),
    );
    const [first] = short;
    if (first === undefined) return name;
    return short.length === 1 ? spread(name, first[0], to) : undefined;
  });
  if (!inputs.every((name) => name !== undefined)) return undefined;
  const known = broadcast(inputs.map((name) => (name === "" ? [] : to.builder.shapeOf(name))));
  return known && { ...node, inputs };
};

const isBatch = (d: Dim | undefined): boolean => d !== undefined && d !== null && !isStatic(d);

const always: BatchRule = (node) => node;

/** The operator works along these axes: none may hold the batch. */
const along =
  (axes: (node: Node, rank: number, to: Batching) => readonly number[] | undefined): BatchRule =>
  (node, to) => {
    const shape = shapeOf(to, node);
    const used = shape && axes(node, shape.length, to);
    if (shape === undefined || used === undefined) return undefined;
    const normal = used.map((axis) => normalAxis(axis, shape.length));
    return batchAxes(shape).some((axis) => normal.includes(axis)) ? undefined : node;
  };

const alongAxis = (fallback: number): BatchRule => along((node) => [intAttribute(node, "axis", fallback)]);

const alongAxesInput = along((node, rank, to) => {
  const axes = axesOf(node, 1, {
    type: (name) => to.builder.typeOf(name),
    ints: (name) => to.builder.contentOf(name),
    constant: (name) => to.builder.constantOf(name),
    opset: to.builder.opset,
  });
  return axes === undefined ? [...Array(rank).keys()] : (axes ?? undefined);
});

/** Normalised from `axis` to the last one. */
const fromAxis = along((node, rank) => {
  const first = normalAxis(intAttribute(node, "axis", -1), rank);
  return Array.from({ length: rank - first }, (_, i) => first + i);
});

/** Only the first axis may be the batch. */
const firstOnly: BatchRule = (node, to) => {
  const rest = node.inputs.slice(1).every((_, i) => batchAxes(shapeOf(to, node, i + 1)).length === 0);
  return rest && batchAxes(shapeOf(to, node)).every((axis) => axis === 0) ? node : undefined;
};

/** Neither contracted axis may hold the batch. */
const matmul: BatchRule = (node, to) => {
  const [a, b] = [shapeOf(to, node, 0), shapeOf(to, node, 1)];
  if (a === undefined || b === undefined) return undefined;
  const contracted = isBatch(a.at(-1)) || isBatch(b.at(b.length > 1 ? -2 : -1));
  if (contracted || a.length < 3 || b.length < 3) return contracted ? undefined : node;
  return matmulBatch(node, [a, b], to);
};

/** Batch axes of a product broadcast like element-wise operands. */
function matmulBatch(node: Node, shapes: readonly Shape[], to: Batching): Node | undefined {
  const inputs = node.inputs.map((name, i) => {
    const [own, other] = [shapes[i], shapes[1 - i]];
    const clash = own?.findIndex(
      (d, axis) => axis < own.length - 2 && isStatic(d) && d > 1 && isBatch(other?.at(axis - own.length)),
    );
    return clash === undefined || clash < 0 ? name : spread(name, clash, to);
  });
  return inputs.every((name) => name !== undefined) ? { ...node, inputs } : undefined;
}

const gemm: BatchRule = (node, to) => {
  const [a, b] = [batchAxes(shapeOf(to, node, 0)), batchAxes(shapeOf(to, node, 1))];
  const rows = intAttribute(node, "transA", 0) === 0 ? 0 : 1;
  return a.every((axis) => axis === rows) && b.length === 0 ? node : undefined;
};

/** Writes the target anew: the axis that takes N is −1. */
const reshape: BatchRule = (node, to) => {
  const [source = ""] = node.inputs;
  const [axis, ...more] = batchAxes(to.builder.shapeOf(source));
  const [old, target] = [staticBefore(to, source), staticBefore(to, node.outputs[0])];
  if (axis === undefined || more.length > 0 || old === undefined || target === undefined) return undefined;
  const place = placeAfterReshape(old, { axis, outer: to.outer.get(source) ?? 1 }, target);
  if (place === undefined) return undefined;
  if (place.outer !== 1) to.outer.set(node.outputs[0] ?? "", place.outer);
  const dims = to.builder.ints(target.map((d, i) => (i === place.axis ? -1 : d)));
  return { ...node, op: "Reshape", inputs: [source, dims], attributes: {} };
};

/** A target of 1 keeps what the input has. */
const expand: BatchRule = (node, to) => {
  const [source = ""] = node.inputs;
  const shape = to.builder.shapeOf(source);
  const target = staticBefore(to, node.outputs[0]);
  if (shape === undefined || target === undefined) return undefined;
  const lead = target.length - shape.length;
  const dims = target.map((d, i) => (isBatch(shape[i - lead]) ? 1 : d));
  return { ...node, inputs: [source, to.builder.ints(dims)] };
};

/** Along the batch only the whole axis may be taken. */
const slice: BatchRule = (node, to) => {
  const [source = "", starts = "", ends = "", axes = "", steps = ""] = node.inputs;
  const shape = to.builder.shapeOf(source);
  const [from, until] = [staticBefore(to, source), staticBefore(to, node.outputs[0])];
  const start = to.builder.contentOf(starts);
  const end = to.builder.contentOf(ends);
  if (shape === undefined || from === undefined || until === undefined || !start || !end) return undefined;
  const list = axes === "" ? [...start.keys()] : to.builder.contentOf(axes);
  const step = steps === "" ? undefined : to.builder.contentOf(steps);
  const open = (list ?? []).map((axis) => normalAxis(Number(axis), shape.length));
  if (list === undefined) return undefined;
  const whole = open.every((axis, i) => {
    if (!isBatch(shape[axis])) return true;
    return from[axis] === until[axis] && (step === undefined || step[i] === 1);
  });
  if (!whole || !end.every(isStatic)) return undefined;
  const limits = end.map((d, i) => (isBatch(shape[open[i] ?? -1]) ? 2 ** 31 - 1 : d));
  return { ...node, inputs: [source, starts, to.builder.ints(limits), ...node.inputs.slice(3)] };
};

/** What does not depend on the image is repeated for each. */
const concat: BatchRule = (node, to) => {
  const shapes = node.inputs.map((name) => to.builder.shapeOf(name));
  const rank = shapes[0]?.length ?? 0;
  const axis = normalAxis(intAttribute(node, "axis", 0), rank);
  const places = [...new Set(shapes.flatMap(batchAxes))];
  const [place] = places;
  if (place === undefined || places.length > 1 || place === axis) return undefined;
  const inputs = node.inputs.map((name, i) => (isBatch(shapes[i]?.[place]) ? name : spread(name, place, to)));
  return inputs.every((name) => name !== undefined) ? { ...node, inputs } : undefined;
};

/** Sizes are given for the axes of the image alone. */
const resize: BatchRule = (node, to) => {
  const shape = shapeOf(to, node);
  const [place, ...more] = batchAxes(shape);
  const sizes = to.builder.contentOf(node.inputs[3] ?? "");
  if (shape === undefined || place === undefined || more.length > 0) return undefined;
  if (sizes === undefined) return node;
  const axes = intsAttribute(node, "axes") ?? [...shape.keys()];
  const kept = axes.flatMap((axis, i) => (normalAxis(axis, shape.length) === place ? [] : [i]));
  const list = kept.map((i) => sizes[i] ?? null);
  if (!list.every(isStatic)) return undefined;
  const inputs = [...node.inputs.slice(0, 3), to.builder.ints(list)];
  return { ...node, inputs, attributes: { ...node.attributes, axes: ints(kept.map((i) => axes[i] ?? 0)) } };
};

const gather: BatchRule = (node, to) => {
  const indices = batchAxes(shapeOf(to, node, 1));
  return indices.length > 0 ? undefined : alongAxis(0)(node, to);
};

const names = (list: string, rule: BatchRule): Readonly<Record<string, BatchRule>> =>
  Object.fromEntries(list.split(" ").map((name) => [name, rule]));

/** Element-wise by its shape rule, but not independent along an axis. */
const NOT_ELEMENTWISE = new Set(
  "CumSum Hardmax LogSoftmax LpNormalization ReverseSequence Scatter ScatterElements ScatterND Softmax Trilu".split(
    " ",
  ),
);

export const batchRules: Readonly<Record<string, BatchRule>> = {
  ...Object.fromEntries(
    Object.keys(elementwiseRules)
      .filter((name) => !NOT_ELEMENTWISE.has(name))
      .map((name) => [name, elementwise]),
  ),
  ...names("Softmax LogSoftmax Hardmax TopK", alongAxis(-1)),
  ...names("ArgMax ArgMin", alongAxis(0)),
  ...names(
    "ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd",
    alongAxesInput,
  ),
  ...names("ReduceSum ReduceSumSquare Squeeze", alongAxesInput),
  ...names("LayerNormalization", fromAxis),
  ...names(
    "Conv ConvTranspose MaxPool AveragePool GlobalAveragePool GlobalMaxPool BatchNormalization",
    firstOnly,
  ),
  ...names("InstanceNormalization GroupNormalization DepthToSpace SpaceToDepth", firstOnly),
  ...names("Transpose Unsqueeze Pad Tile", always),
  ...names("Reshape Flatten", reshape),
  Split: alongAxis(0),
  MatMul: matmul,
  Gemm: gemm,
  Expand: expand,
  Slice: slice,
  Concat: concat,
  Gather: gather,
  Resize: resize,
};

/** Every dimension as it was, for a batch of one. */
export function sameForOne(now: Shape | undefined, before: Shape | undefined): boolean {
  if (now === undefined || before === undefined || now.length !== before.length) return false;
  return now.every((d, i) => d !== null && dimAt(d, 1) === before[i]);
}
