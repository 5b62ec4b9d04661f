/** @file Parts and zeros of operators that work element by element, with broadcasting. */
import { int } from "../../attributes.js";
import { type Shape, sameDim } from "../../dim.js";
import type { Node } from "../../graph.js";
import { type Box, hull, isWhole, normalise, sameBox, whole } from "../box.js";
import { partsOfOperands, reaches } from "../broadcast.js";
import {
  type Known,
  meet,
  normalised,
  type Plan,
  type Rule,
  type RuleTable,
  shapeOfInput,
  shapeOfOutput,
  supportOfInput,
  table,
} from "../rule.js";

/** With f(0) = 0. */
const ZERO_AT_ZERO =
  "Abs Asin Asinh Atan Atanh Cast Ceil Celu Elu Erf Floor Gelu HardSwish Identity LeakyRelu Mish Neg Relu Round " +
  "Selu Sign Sin Sinh Softsign Sqrt Swish Tan Tanh ThresholdedRelu";

const OTHER =
  "Acos Acosh And BitShift BitwiseAnd BitwiseNot BitwiseOr BitwiseXor Clip Cos Cosh Equal Exp Greater " +
  "GreaterOrEqual HardSigmoid IsInf IsNaN Less LessOrEqual Log Mod Not Or PRelu Pow Reciprocal Sigmoid Softplus Xor";

function part(node: Node, box: Box, known: Known): Plan | undefined {
  const reads = partsOfOperands(node, box, known);
  return reads && { box, reads };
}

/** The smallest box around all. */
function around(boxes: readonly (Box | null)[]): Box | null {
  return boxes.reduce((all, box) => (all === null || box === null ? (all ?? box) : hull(all, box)), null);
}

const zeroWhereAllAre =
  (from = 0): Rule["support"] =>
  (node, known) => {
    const box = around(reaches(node, known).slice(from));
    return box && normalised(box, shapeOfOutput(node, known));
  };

const zeroWhereAnyIs: Rule["support"] = (node, known) =>
  reaches(node, known).reduce((common, box) => meet(common, box));

/** 0/0 is no zero: only where the divisor is nowhere known to be 0. */
const quotientSupport: Rule["support"] = (node, known) => {
  const [dividend = null, divisor = null] = reaches(node, known);
  const everywhere = divisor !== null && isWhole(divisor);
  return everywhere ? dividend : whole(shapeOfOutput(node, known));
};

/** Whether an operand has the result's own shape, so that a part of it can stand for that part of the result. */
function hasShapeOfResult(node: Node, index: number, known: Known): boolean {
  const operand = shapeOfInput(node, index, known);
  const result = shapeOfOutput(node, known);
  if (operand === undefined || result === undefined) return false;
  return operand.length === result.length && operand.every((extent, axis) => sameDim(extent, result[axis]));
}

/** The one axis along which two boxes lie side by side and together make up a third. */
function seam(a: Box, b: Box, together: Box, shape: Shape): number | undefined {
  const axes = a.flatMap((range, axis) => {
    const other = b[axis] ?? null;
    return range?.[0] === other?.[0] && range?.[1] === other?.[1] ? [] : [axis];
  });
  const [axis] = axes;
  if (axis === undefined || axes.length !== 1) return undefined;
  const [left, right] = [a[axis] ?? null, b[axis] ?? null];
  if (left === null || right === null || (left[1] !== right[0] && right[1] !== left[0])) return undefined;
  return sameBox(normalise(hull(a, b), shape), normalise(together, shape)) ? axis : undefined;
}

/**
 * A sum of two reads only the operand that is not known to be zero there; and where their boxes lie side by side,
 * as those of the gradients of slices do, it concatenates rather than pads and adds.
 */
function sumPart(node: Node, box: Box, known: Known): Plan | undefined {
  const plan = part(node, box, known);
  const result = shapeOfOutput(node, known);
  if (result === undefined || node.inputs.length !== 2) return plan;
  const [first, second] = [0, 1].map((i) =>
    hasShapeOfResult(node, i, known)
      ? { nonzero: meet(box, supportOfInput(node, i, known)) }
      : { nonzero: plan?.reads[i] ?? null, spread: true },
  );
  if (first === undefined || second === undefined) return plan;
  if (second.nonzero === null && first.nonzero !== null && !first.spread) {
    return { box, reads: [box, null], alias: 0 };
  }
  if (node.op !== "Add") return plan;
  if (first.nonzero === null && second.nonzero !== null && !second.spread) {
    return { box, reads: [null, box], alias: 1 };
  }
  if (first.spread || second.spread || first.nonzero === null || second.nonzero === null) return plan;
  const [a, b] = [first.nonzero, second.nonzero];
  const axis = seam(a, b, box, result);
  if (axis === undefined) return plan;
  const inOrder = (a[axis]?.[0] ?? 0) < (b[axis]?.[0] ?? 0);
  return {
    box,
    reads: [a, b],
    emit: (builder, [x = "", y = ""], options) =>
      builder.add("Concat", inOrder ? [x, y] : [y, x], { axis: int(axis) }, options),
  };
}

export const elementwiseRules: RuleTable = {
  ...table(OTHER, { part }),
  ...table(ZERO_AT_ZERO, { part, support: zeroWhereAllAre() }),
  ...table("Max Mean Min", { part, support: zeroWhereAllAre() }),
  ...table("Add Sub Sum", { part: sumPart, support: zeroWhereAllAre() }),
  Where: { part, support: zeroWhereAllAre(1) },
  Mul: { part, support: zeroWhereAnyIs },
  Div: { part, support: quotientSupport },
};
