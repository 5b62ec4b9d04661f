/**
 * @file Gradients of cutting and joining along axes. A cut gives back a box among zeros (`Box`), so that cuts which
 * together cover a value are joined again by one Concat; a join gives back its pieces as slices.
 */
import { intAttribute, intsAttribute } from "../../onnx/attributes.js";
import { joinBoxes } from "../boxes.js";
import { sumAt } from "../indexing.js";
import type { Contribution, Rule, RuleContext, RuleTable } from "../rule.js";
import {
  constantNumbers,
  input,
  inputShape,
  normalAxis,
  numbers,
  optionalInput,
  output,
  shapeOf,
  staticDim,
  unsupported,
} from "../rule.js";

export interface Cut {
  readonly axis: number;
  readonly start: number;
  readonly step: number;
  /** Number of elements taken. */
  readonly length: number;
  /** Extent of the axis. */
  readonly size: number;
}

/** What Slice does on each axis that it does not keep whole. */
export function cutsOf(context: RuleContext): readonly Cut[] {
  const shape = inputShape(context, 0);
  const starts = constantNumbers(context, 1);
  const ends = constantNumbers(context, 2);
  const axes = optionalInput(context, 3) ? constantNumbers(context, 3) : starts.map((_, i) => i);
  const steps = optionalInput(context, 4) ? constantNumbers(context, 4) : starts.map(() => 1);
  return axes.flatMap((given, i) => {
    const axis = normalAxis(given, shape.length);
    const step = steps[i] ?? 1;
    const [from, to] = [starts[i] ?? 0, ends[i] ?? 0];
    // "Everything" needs no extent: a mask over the batch is often cut like this.
    if (step === 1 && from === 0 && to >= Number.MAX_SAFE_INTEGER) return [];
    const size = staticDim(context, shape, axis);
    const bound = (position: number, low: number, high: number) =>
      Math.min(Math.max(position < 0 ? position + size : position, low), high);
    const [start, end] =
      step > 0
        ? [bound(from, 0, size), bound(to, 0, size)]
        : [bound(from, 0, size - 1), bound(to, -1, size - 1)];
    const length = Math.max(0, Math.ceil((end - start) / step));
    return length === size && step === 1 ? [] : [{ axis, start, step, length, size }];
  });
}

/** The gradient of a cut along one axis, in full: elements put back in place, zeros between and around. */
export function putBack(context: RuleContext, value: string, rank: number, cut: Cut): string {
  const { emit } = context;
  const { axis, length, size } = cut;
  if (cut.step < 0) {
    const reversed = emit.slice(value, axis, -1, Number.MIN_SAFE_INTEGER, -1);
    const start = cut.start + (length - 1) * cut.step;
    return putBack(context, reversed, rank, { ...cut, start, step: -cut.step });
  }
  if (cut.step === 1) return emit.pad(value, rank, axis, cut.start, size - cut.start - length);
  // Each element gets step−1 zeros behind it, on an axis of its own that is then merged in.
  const apart = emit.pad(emit.unsqueeze(value, [axis + 1]), rank + 1, axis + 1, 0, cut.step - 1);
  const shape = shapeOf(context, value).map((extent, i) => (i === axis ? length * cut.step : extent));
  if (shape.filter((extent) => typeof extent !== "number").length > 1) {
    return unsupported(context, "more than one extent is not fixed");
  }
  const merged = emit.op("Reshape", [
    apart,
    emit.ints(shape.map((extent) => (typeof extent === "number" ? extent : -1))),
  ]);
  return emit.pad(merged, rank, axis, cut.start, size - cut.start - length * cut.step);
}

/** Several axes at once: all but the last restored in full, so that the last can stay a box. */
const slice: Rule = (context) => [
  (): Contribution => {
    const { emit, dy } = context;
    const rank = inputShape(context, 0).length;
    const cuts = cutsOf(context);
    if (cuts.some((cut) => cut.length === 0)) return emit.zerosLike(input(context, 0));
    const box = cuts.length === 1 ? cuts[0] : undefined;
    if (box?.step === 1) return { kind: "box", value: dy, ...box };
    if (cuts.every((cut) => cut.step === 1)) {
      const amounts = (of: (cut: (typeof cuts)[number]) => number) =>
        Array.from({ length: rank }, (_, axis) => {
          const cut = cuts.find((candidate) => candidate.axis === axis);
          return cut ? of(cut) : 0;
        });
      const before = amounts((cut) => cut.start);
      return emit.padAll(dy, [...before, ...amounts((cut) => cut.size - cut.start - cut.length)]);
    }
    return cuts.reduce((value, cut) => putBack(context, value, rank, cut), dy);
  },
];

/** All outputs' gradients side by side; where nothing came back, zeros. */
const split: Rule = (context) => [
  (): Contribution | undefined => {
    const { emit, node } = context;
    const shape = inputShape(context, 0);
    const axis = normalAxis(intAttribute(node, "axis", 0), shape.length);
    const size = staticDim(context, shape, axis);
    const lengths = node.outputs.map((name, i) => {
      const given = numbers(context, 1)?.[i] ?? intsAttribute(node, "split")?.[i];
      return given ?? staticDim(context, shapeOf(context, name), axis);
    });
    const pieces = node.outputs.flatMap((_, i) => {
      const value = context.gradient(i);
      const start = lengths.slice(0, i).reduce((sum, length) => sum + length, 0);
      const length = lengths[i] ?? 0;
      return value === undefined || length === 0
        ? []
        : [{ kind: "box" as const, value, axis, start, length, size }];
    });
    return joinBoxes(emit, pieces, shape.length);
  },
];

const concat: Rule = (context) => {
  const { emit, node, dy } = context;
  const rank = shapeOf(context, output(context)).length;
  const axis = normalAxis(intAttribute(node, "axis", 0), rank);
  return node.inputs.map((_, index) => () => {
    const extents = node.inputs.map((__, i) => inputShape(context, i)[axis]);
    const before = extents.slice(0, index);
    const after = extents.slice(index + 1);
    const sum = (list: typeof extents) =>
      list.reduce<number>((total, extent) => total + (typeof extent === "number" ? extent : Number.NaN), 0);
    const own = extents[index];
    const start = sum(before);
    if (Number.isNaN(start)) return unsupported(context, `its pieces have no fixed extent on axis ${axis}`);
    // Counted from the end where the piece itself is open.
    const end = typeof own === "number" ? start + own : -sum(after);
    if (Number.isNaN(end)) return unsupported(context, `its pieces have no fixed extent on axis ${axis}`);
    if (start === 0 && sum(after) === 0) return dy;
    return emit.slice(dy, axis, start, end === 0 ? Number.MAX_SAFE_INTEGER : end);
  });
};

/** Padding with a constant crops back; padding by reflection or by the edge adds what was copied to its source. */
const pad: Rule = (context) => [
  () => {
    const { emit, node, dy } = context;
    const shape = inputShape(context, 0);
    const given = constantNumbers(context, 1);
    const axes = optionalInput(context, 3)
      ? constantNumbers(context, 3).map((axis) => normalAxis(axis, shape.length))
      : shape.map((_, axis) => axis);
    const amount = (axis: number, side: number) => given[axes.indexOf(axis) + side * axes.length] ?? 0;
    const padded = shape.map((_, axis) =>
      axes.includes(axis) ? [amount(axis, 0), amount(axis, 1)] : [0, 0],
    );
    const mode = node.attributes.mode?.value ?? "constant";
    if (mode === "constant") {
      return emit.padAll(dy, [...padded.map((p) => -(p[0] ?? 0)), ...padded.map((p) => -(p[1] ?? 0))]);
    }
    return padded.reduce((value, [before = 0, after = 0], axis) => {
      if (before === 0 && after === 0) return value;
      const size = staticDim(context, shape, axis);
      const source = Array.from({ length: before + size + after }, (_, i) =>
        sourceOf(String(mode), i - before, size),
      );
      return sumAt(emit, value, shape.length, axis, source, size);
    }, dy);
  },
];

/** The position inside [0, size) from which padding takes its element. */
function sourceOf(mode: string, position: number, size: number): number {
  if (mode === "edge") return Math.min(Math.max(position, 0), size - 1);
  if (mode === "wrap") return ((position % size) + size) % size;
  const period = Math.max(1, 2 * (size - 1));
  const folded = ((position % period) + period) % period;
  return folded < size ? folded : period - folded;
}

export const sliceRules: RuleTable = { Slice: slice, Split: split, Concat: concat, Pad: pad };
