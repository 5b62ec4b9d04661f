/**
 * @file Linear operators under a sum: how the sum of a part of a node's output over some axes is computed from sums
 * of parts of its inputs.
 */
import { int, intAttribute, ints } from "../attributes.js";
import type { GraphBuilder } from "../builder.js";
import { type Dim, type Shape, sameDim } from "../dim.js";
import type { Node } from "../graph.js";
import { type Box, sameBox, shapeOfBox } from "./box.js";
import { partsOfOperands } from "./broadcast.js";
import { surround } from "./cut.js";
import { axisGroups } from "./reshape.js";
import { type Known, type Plan, shapeOfInput, shapeOfOutput } from "./rule.js";
import { permutation, reshapeTarget } from "./rules/layout.js";
import { paddingOf } from "./rules/pad.js";
import { ruleOf } from "./rules.js";

/** The sum of a part of a value over some of its axes, which stay with extent 1. */
export interface Sum {
  readonly value: string;
  readonly box: Box;
  readonly axes: readonly number[];
}

/** An operand that takes part as it is. */
export type Term = Sum | { readonly value: string; readonly box: Box; readonly axes?: undefined };

/** A sum by way of the operands of the node that makes the value. */
export interface Step {
  readonly terms: readonly Term[];
  /** A matrix product becomes smaller. */
  readonly saves: boolean;
  write(builder: GraphBuilder, terms: readonly string[]): string;
}

type StepRule = (node: Node, sum: Sum, plan: Plan, known: Known) => Step | undefined;

/** Product of the part's extents along axes; undefined where one depends on the batch. */
export function extentOf(box: Box, axes: readonly number[], shape: Shape): number | undefined {
  const extents = shapeOfBox(box, shape).filter((_, axis) => axes.includes(axis));
  return extents.every((d) => typeof d === "number") ? extents.reduce((n, d) => n * d, 1) : undefined;
}

/** Axes of a broadcast's result as axes of an operand: all, or none; undefined where it has some of them. */
function axesOfOperand(
  axes: readonly number[],
  operand: Shape,
  result: Shape,
): readonly number[] | undefined {
  const skipped = result.length - operand.length;
  const own = axes.map((axis) => axis - skipped).filter((axis) => axis >= 0);
  const present = own.filter((axis) => sameDim(operand[axis], result[axis + skipped]) && operand[axis] !== 1);
  const absent = own.filter((axis) => operand[axis] === 1).length + axes.length - own.length;
  if (present.length + absent !== axes.length) return undefined;
  return present.length === axes.length || present.length === 0 ? present : undefined;
}

const termOf = (value: string, box: Box, axes: readonly number[]): Term =>
  axes.length === 0 ? { value, box } : { value, box, axes };

const matmul: StepRule = (node, { axes }, { reads }, known) => {
  const [left = "", right = ""] = node.inputs;
  const [a, b] = [shapeOfInput(node, 0, known), shapeOfInput(node, 1, known)];
  const rank = shapeOfOutput(node, known)?.length ?? 0;
  const [ofA, ofB] = reads;
  if (!a || !b || !ofA || !ofB) return undefined;
  const axesA: number[] = [];
  const axesB: number[] = [];
  for (const axis of axes) {
    const [inA, inB] = [axis - rank + a.length, axis - rank + b.length];
    const [hasA, hasB] = [(a[inA] ?? 1) !== 1, (b[inB] ?? 1) !== 1];
    if (axis === rank - 2) axesA.push(inA);
    else if (axis === rank - 1) axesB.push(inB);
    else if (hasA && !hasB) axesA.push(inA);
    else if (hasB && !hasA) axesB.push(inB);
    else return undefined;
  }
  return {
    terms: [termOf(left, ofA, axesA), termOf(right, ofB, axesB)],
    saves: true,
    write: (builder, terms) => builder.add("MatMul", terms),
  };
};

/** a ± b: an operand that is spread along the axes counts as often as it is repeated. */
const addition: StepRule = (node, { box, axes }, _, known) => {
  const result = shapeOfOutput(node, known);
  const parts = partsOfOperands(node, box, known);
  const count = result && extentOf(box, axes, result);
  if (!result || !parts || count === undefined) return undefined;
  const terms: Term[] = [];
  for (const [i, value] of node.inputs.entries()) {
    const shape = shapeOfInput(node, i, known);
    const part = parts[i];
    const own = shape && axesOfOperand(axes, shape, result);
    if (!part || !own) return undefined;
    terms.push(termOf(value, part, own));
  }
  return {
    terms,
    saves: false,
    write(builder, names) {
      const operands = names.map((name, i) => {
        if (terms[i]?.axes !== undefined || count === 1) return name;
        return builder.add("Mul", [name, builder.float(count, builder.typeOf(name).dtype)]);
      });
      return builder.add(node.op, operands);
    },
  };
};

/** A factor that does not vary along the axes goes before the sum; a divisor likewise. */
const scaling: StepRule = (node, { box, axes }, _, known) => {
  const result = shapeOfOutput(node, known);
  const parts = partsOfOperands(node, box, known);
  if (!result || !parts) return undefined;
  const own = node.inputs.map((__, i) => {
    const shape = shapeOfInput(node, i, known);
    return shape && axesOfOperand(axes, shape, result);
  });
  const summed = own.findIndex((list) => list !== undefined && list.length > 0);
  const fixed = own.every((list, i) => list !== undefined && (i === summed || list.length === 0));
  if (summed < 0 || !fixed || (node.op === "Div" && summed !== 0)) return undefined;
  const terms = node.inputs.map((value, i) => termOf(value, parts[i] ?? [], own[i] ?? []));
  return { terms, saves: false, write: (builder, names) => builder.add(node.op, names) };
};

const unary: StepRule = (node, { axes }, { reads: [read] }) => {
  const [value = ""] = node.inputs;
  if (!read) return undefined;
  return {
    terms: [{ value, box: read, axes }],
    saves: false,
    write: (builder, names) => builder.add(node.op, names),
  };
};

const transpose: StepRule = (node, { axes }, { reads: [read] }) => {
  const [value = ""] = node.inputs;
  if (!read) return undefined;
  const perm = permutation(node, read.length);
  return {
    terms: [{ value, box: read, axes: axes.map((axis) => perm[axis] ?? axis) }],
    saves: false,
    write: (builder, names) => builder.add("Transpose", names, { perm: ints(perm) }),
  };
};

/** Axes pass where they are all that their group of axes has. */
const reshape: StepRule = (node, { box, axes }, { reads: [read] }, known) => {
  const [from, to] = [shapeOfInput(node, 0, known), shapeOfOutput(node, known)];
  const groups = from && to && axisGroups(from, to);
  if (!from || !to || !groups || !read) return undefined;
  const before: number[] = [];
  for (const group of groups) {
    const own = range(group.to).filter((axis) => to[axis] !== 1);
    const summed = own.filter((axis) => axes.includes(axis));
    if (summed.length === 0) continue;
    if (summed.length !== own.length) return undefined;
    before.push(...range(group.from));
  }
  const shape: Dim[] = shapeOfBox(box, to).map((d, axis) => (axes.includes(axis) ? 1 : d));
  const target = reshapeTarget(shape);
  if (before.length === 0 || target === undefined) return undefined;
  return {
    terms: [{ value: node.inputs[0] ?? "", box: read, axes: before }],
    saves: false,
    write: (builder, [x = ""]) => builder.add("Reshape", [x, builder.ints(target)]),
  };
};

const range = ([start, end]: readonly [number, number]): number[] =>
  Array.from({ length: end - start }, (_, i) => start + i);

const concat: StepRule = (node, { box, axes }, { reads }) => {
  const axis = intAttribute(node, "axis", 0);
  const front = axis < 0 ? axis + box.length : axis;
  const terms = node.inputs.flatMap((value, i) => {
    const read = reads[i] ?? null;
    return read === null ? [] : [{ value, box: read, axes }];
  });
  return {
    terms,
    saves: false,
    write(builder, names) {
      if (!axes.includes(front)) return builder.add("Concat", names, { axis: int(front) });
      return names.reduce((sum, name) => builder.add("Add", [sum, name]));
    },
  };
};

const pad: StepRule = (node, { box, axes }, _, known) => {
  const padding = paddingOf(node, box, known);
  if (padding === undefined) return undefined;
  const margins = padding.margins.map((margin, axis) => (axes.includes(axis) ? ([0, 0] as const) : margin));
  return {
    terms: [{ value: node.inputs[0] ?? "", box: padding.read, axes }],
    saves: false,
    write: (builder, [x = ""]) => surround(builder, x, margins),
  };
};

/** What is only a part of another value. */
const alias: StepRule = (node, { axes }, { alias: input = 0, reads }) => {
  const read = reads[input];
  if (!read) return undefined;
  return {
    terms: [{ value: node.inputs[input] ?? "", box: read, axes }],
    saves: false,
    write: (_, [x = ""]) => x,
  };
};

const STEPS: Readonly<Record<string, StepRule>> = {
  MatMul: matmul,
  Add: addition,
  Sub: addition,
  Mul: scaling,
  Div: scaling,
  Neg: unary,
  Identity: unary,
  Transpose: transpose,
  Reshape: reshape,
  Squeeze: reshape,
  Unsqueeze: reshape,
  Flatten: reshape,
  Concat: concat,
  Pad: pad,
};

/** The sum by way of the operands of the node that makes the value, where that node is linear in them. */
export function linearStep(node: Node, sum: Sum, known: Known): Step | undefined {
  const rule = ruleOf(node);
  const plan = rule?.part?.(node, sum.box, known, node.outputs.indexOf(sum.value));
  if (plan === undefined || !sameBox(plan.box, sum.box)) return undefined;
  if (plan.alias !== undefined) return alias(node, sum, plan, known);
  return STEPS[node.op]?.(node, sum, plan, known);
}
