/** @file Parts and zeros of operators that only change the shape or the order of axes. */
import { intsAttribute } from "../../attributes.js";
import type { Dim } from "../../dim.js";
import type { Node } from "../../graph.js";
import { type Box, isWhole, shapeOfBox, whole } from "../box.js";
import { partOfOperand, reachOfOperand } from "../broadcast.js";
import { crossReshape } from "../reshape.js";
import {
  type Known,
  normalised,
  type Plan,
  type Rule,
  type RuleTable,
  shapeOfInput,
  shapeOfOutput,
  supportOfInput,
  table,
  wholeInput,
} from "../rule.js";

/** Content of a Reshape's target for a shape; undefined where more than one extent is not a plain number. */
export function reshapeTarget(shape: readonly Dim[]): readonly number[] | undefined {
  const target = shape.map((d) => (typeof d === "number" ? d : -1));
  return target.filter((d) => d === -1).length <= 1 && !target.includes(0) ? target : undefined;
}

function reshapePart(node: Node, box: Box, known: Known): Plan | undefined {
  const from = shapeOfInput(node, 0, known);
  const to = shapeOfOutput(node, known);
  if (from === undefined || to === undefined) return undefined;
  const crossing = crossReshape(box, to, from);
  if (crossing === undefined) return undefined;
  const selected = normalised(crossing.selected, to);
  const read = normalised(crossing.box, from);
  if (node.op !== "Reshape" || isWhole(selected)) {
    return { box: selected, reads: node.inputs.map((_, i) => (i === 0 ? read : wholeInput(node, i, known))) };
  }
  const target = reshapeTarget(shapeOfBox(selected, to));
  if (target === undefined) return undefined;
  return {
    box: selected,
    reads: [read, null],
    emit: (builder, [x = ""], options) => builder.add("Reshape", [x, builder.ints(target)], {}, options),
  };
}

const reshapeSupport: Rule["support"] = (node, known) => {
  const from = shapeOfInput(node, 0, known);
  const to = shapeOfOutput(node, known);
  const box = supportOfInput(node, 0, known);
  if (box === null) return null;
  const crossing = from && to && crossReshape(box, from, to);
  return crossing ? normalised(crossing.box, to) : whole(to);
};

export function permutation(node: Node, rank: number): readonly number[] {
  return intsAttribute(node, "perm") ?? Array.from({ length: rank }, (_, i) => rank - 1 - i);
}

const transpose: Rule = {
  part(node, box, known) {
    const shape = shapeOfInput(node, 0, known);
    if (shape === undefined) return undefined;
    const perm = permutation(node, shape.length);
    const read = shape.map((_, axis) => box[perm.indexOf(axis)] ?? null);
    return { box, reads: [read] };
  },
  support(node, known) {
    const box = supportOfInput(node, 0, known);
    return box && permutation(node, box.length).map((axis) => box[axis] ?? null);
  },
};

/** Axes along which the output is no longer than the input: there a part of one is a part of the other. */
const expand: Rule = {
  part(node, box, known) {
    const from = shapeOfInput(node, 0, known);
    const to = shapeOfOutput(node, known);
    if (from === undefined || to === undefined) return undefined;
    const read = partOfOperand(box, from, to);
    // A static target can be written anew; one computed at run time only where it stays as it is.
    const target = known.numbers(node.inputs[1] ?? "");
    if (isWhole(box)) return { box, reads: [whole(from), wholeInput(node, 1, known)] };
    if (read === undefined || target === undefined) return undefined;
    const narrowed = shapeOfBox(box, to).slice(to.length - target.length);
    const extents = target.map((d, i) => (d === 1 ? 1 : narrowed[i]));
    if (!extents.every((d) => typeof d === "number")) return undefined;
    return {
      box,
      reads: [read, null],
      emit: (builder, [x = ""], options) => builder.add("Expand", [x, builder.ints(extents)], {}, options),
    };
  },
  support(node, known) {
    const to = shapeOfOutput(node, known);
    if (to === undefined) return [];
    const reach = reachOfOperand(supportOfInput(node, 0, known), shapeOfInput(node, 0, known), to);
    return reach && normalised(reach, to);
  },
};

export const layoutRules: RuleTable = {
  ...table("Reshape Squeeze Unsqueeze Flatten", { part: reshapePart, support: reshapeSupport }),
  Transpose: transpose,
  Expand: expand,
};
