/** @file Parts and zeros of operators that sum over an axis, or normalise along one. */

import { intAttribute, intsAttribute } from "../../attributes.js";
import type { Node } from "../../graph.js";
import { type Box, hull, type Range, whole, withRange } from "../box.js";
import { partOfOperand, reachOfOperand } from "../broadcast.js";
import {
  frontAxis,
  hasInput,
  inputName,
  type Known,
  meet,
  normalised,
  type Rule,
  type RuleTable,
  shapeOfInput,
  shapeOfOutput,
  supportOfInput,
  table,
  wholeInput,
  wholeInputs,
  widen,
} from "../rule.js";

/** The common part of two ranges of one axis; null: all of it; undefined: none. */
function meetRanges(a: Range | null, b: Range | null): Range | null | undefined {
  if (a === null || b === null) return a ?? b;
  const common: Range = [Math.max(a[0], b[0]), Math.min(a[1], b[1])];
  return common[0] < common[1] ? common : undefined;
}

/** The range outside which a product along the axes of two operands has no terms but zeros. */
function contracted(
  a: Box | null,
  axisOfA: number,
  b: Box | null,
  axisOfB: number,
): Range | null | undefined {
  if (a === null || b === null) return undefined;
  return meetRanges(a[axisOfA] ?? null, b[axisOfB] ?? null);
}

/** Shapes of a MatMul's operands and result, all of rank 2 at least. */
function matmulShapes(node: Node, known: Known) {
  const a = shapeOfInput(node, 0, known);
  const b = shapeOfInput(node, 1, known);
  const result = shapeOfOutput(node, known);
  if (!a || !b || !result || a.length < 2 || b.length < 2) return undefined;
  return { a, b, result };
}

const matmul: Rule = {
  part(node, box, known) {
    const shapes = matmulShapes(node, known);
    if (shapes === undefined) return undefined;
    const { a, b, result } = shapes;
    const batch = result.slice(0, -2);
    const left = partOfOperand(box.slice(0, -2), a.slice(0, -2), batch);
    const right = partOfOperand(box.slice(0, -2), b.slice(0, -2), batch);
    if (left === undefined || right === undefined) return undefined;
    const inner = contracted(
      supportOfInput(node, 0, known),
      a.length - 1,
      supportOfInput(node, 1, known),
      b.length - 2,
    );
    const terms = inner ?? null;
    return {
      box,
      reads: [
        normalised([...left, box.at(-2) ?? null, terms], a),
        normalised([...right, terms, box.at(-1) ?? null], b),
      ],
    };
  },
  support(node, known) {
    const shapes = matmulShapes(node, known);
    if (shapes === undefined) return whole(shapeOfOutput(node, known));
    const { a, b, result } = shapes;
    const [left, right] = [supportOfInput(node, 0, known), supportOfInput(node, 1, known)];
    if (left === null || right === null) return null;
    if (contracted(left, a.length - 1, right, b.length - 2) === undefined) return null;
    const batch = result.slice(0, -2);
    const common = meet(
      reachOfOperand(left.slice(0, -2), a.slice(0, -2), batch),
      reachOfOperand(right.slice(0, -2), b.slice(0, -2), batch),
    );
    return common && normalised([...common, left.at(-2) ?? null, right.at(-1) ?? null], result);
  },
};

/** Axes of Gemm's operands: rows and terms of A, terms and columns of B. */
function gemmAxes(node: Node) {
  const [rows, termsA] = intAttribute(node, "transA", 0) ? [1, 0] : [0, 1];
  const [termsB, columns] = intAttribute(node, "transB", 0) ? [1, 0] : [0, 1];
  return { rows, termsA, termsB, columns };
}

const gemm: Rule = {
  part(node, box, known) {
    const result = shapeOfOutput(node, known);
    const [a, b] = [shapeOfInput(node, 0, known), shapeOfInput(node, 1, known)];
    if (!result || !a || !b) return undefined;
    const { rows, termsA, termsB, columns } = gemmAxes(node);
    const terms =
      contracted(supportOfInput(node, 0, known), termsA, supportOfInput(node, 1, known), termsB) ?? null;
    const left = withRange(withRange([null, null], rows, box[0] ?? null), termsA, terms);
    const right = withRange(withRange([null, null], columns, box[1] ?? null), termsB, terms);
    const reads: (Box | null)[] = [normalised(left, a), normalised(right, b)];
    if (hasInput(node, 2)) {
      const bias = partOfOperand(box, shapeOfInput(node, 2, known), result);
      if (bias === undefined) return undefined;
      reads.push(bias);
    }
    return { box, reads };
  },
  support(node, known) {
    const result = shapeOfOutput(node, known);
    if (!result) return whole(result);
    const { rows, termsA, termsB, columns } = gemmAxes(node);
    const [left, right] = [supportOfInput(node, 0, known), supportOfInput(node, 1, known)];
    const terms = contracted(left, termsA, right, termsB);
    const product =
      left && right && terms !== undefined ? [left[rows] ?? null, right[columns] ?? null] : null;
    if (!hasInput(node, 2)) return product;
    const bias = reachOfOperand(supportOfInput(node, 2, known), shapeOfInput(node, 2, known), result);
    return product && bias ? normalised(hull(product, bias), result) : (product ?? bias);
  },
};

/** Operators that mix along some axes of their first input and work on each line of the others alone. */
function alongAxes(axesOf: (node: Node, rank: number) => readonly number[]): Rule {
  return {
    joint: true,
    part(node, box, known) {
      const shape = shapeOfInput(node, 0, known);
      if (shape === undefined) return undefined;
      const mixed = axesOf(node, shape.length);
      const part = widen(box, mixed);
      // Scale and bias lie along the mixed axes: they are read whole.
      const others = node.inputs.slice(1).map((_, i) => wholeInput(node, i + 1, known));
      if (others.some((other) => other !== null && other.length > mixed.length)) return undefined;
      return { box: part, reads: [part, ...others] };
    },
  };
}

const lastAxis = (node: Node, rank: number): readonly number[] => [
  frontAxis(intAttribute(node, "axis", -1), rank) ?? 0,
];

const fromAxis = (node: Node, rank: number): readonly number[] => {
  const first = frontAxis(intAttribute(node, "axis", -1), rank) ?? 0;
  return Array.from({ length: rank - first }, (_, i) => first + i);
};

/** The axes a reduction is over, counted from the front; undefined where they are not known. */
export function reducedAxes(node: Node, known: Known): readonly number[] | undefined {
  const rank = shapeOfInput(node, 0, known)?.length;
  if (rank === undefined) return undefined;
  const given = hasInput(node, 1) ? known.numbers(inputName(node, 1)) : (intsAttribute(node, "axes") ?? []);
  if (given === undefined) return undefined;
  if (given.length === 0) {
    return intAttribute(node, "noop_with_empty_axes", 0) ? [] : Array.from({ length: rank }, (_, i) => i);
  }
  const axes = given.map((axis) => frontAxis(axis, rank));
  return axes.every((axis) => axis !== undefined) ? axes : undefined;
}

/** The box of a reduction's output as one of its input, the reduced axes whole. */
function beforeReduction(node: Node, box: Box, axes: readonly number[], rank: number): Box {
  if (intAttribute(node, "keepdims", 1) !== 0) return widen(box, axes);
  const kept = box[Symbol.iterator]();
  return Array.from({ length: rank }, (_, axis) =>
    axes.includes(axis) ? null : (kept.next().value ?? null),
  );
}

function afterReduction(node: Node, box: Box, axes: readonly number[]): Box {
  if (intAttribute(node, "keepdims", 1) !== 0) return widen(box, axes);
  return box.filter((_, axis) => !axes.includes(axis));
}

/** `skips`: terms that are zero need not be read. A mean over fewer terms is their sum divided by the full number. */
const reduction = (skips: boolean, keepsZeros = true): Rule => ({
  part(node, box, known) {
    const shape = shapeOfInput(node, 0, known);
    const axes = reducedAxes(node, known);
    const result = shapeOfOutput(node, known);
    if (!shape || !axes || !result) return undefined;
    const part = intAttribute(node, "keepdims", 1) !== 0 ? widen(box, axes) : box;
    const full = beforeReduction(node, box, axes, shape.length);
    const support = supportOfInput(node, 0, known);
    const others = node.inputs.slice(1).map((_, i) => wholeInput(node, i + 1, known));
    const plain = { box: part, reads: [full, ...others] };
    if (!skips || support === null) return plain;
    const terms = full.map((range, axis) => (axes.includes(axis) ? (support[axis] ?? null) : range));
    if (axes.every((axis) => !terms[axis])) return plain;
    if (node.op !== "ReduceMean") return { box: part, reads: [terms, ...others] };
    const count = axes.reduce(
      (n, axis) => n * (typeof shape[axis] === "number" ? shape[axis] : Number.NaN),
      1,
    );
    if (!Number.isFinite(count)) return plain;
    return {
      box: part,
      reads: [terms, ...others],
      emit(builder, [x = ""], options) {
        const sum = builder.add("ReduceSum", [x, builder.ints(axes)], keepDims(node));
        return builder.add("Mul", [sum, builder.float(1 / count, builder.typeOf(x).dtype)], {}, options);
      },
    };
  },
  support(node, known) {
    const axes = reducedAxes(node, known);
    const box = supportOfInput(node, 0, known);
    if (!axes || !keepsZeros) return whole(shapeOfOutput(node, known));
    return box && afterReduction(node, box, axes);
  },
});

const keepDims = (node: Node) =>
  ({ keepdims: { kind: "int", value: intAttribute(node, "keepdims", 1) } }) as const;

/** Attention (opset 23) without mask on separate heads: rows of the output are rows of the queries. */
const attention: Rule = {
  part(node, box, known) {
    const shape = shapeOfInput(node, 0, known);
    const plain = [3, 4, 5, 6].every((i) => !hasInput(node, i)) && intAttribute(node, "is_causal", 0) === 0;
    if (!shape || !plain || shape.length < 3 || node.outputs.slice(1).some((name) => name !== ""))
      return undefined;
    const rows = shape.length - 2;
    const part = shape.map((_, axis) => (axis === rows ? (box[axis] ?? null) : null));
    const [, ...others] = wholeInputs(node, known);
    return { box: part, reads: [part, ...others] };
  },
};

export const contractRules: RuleTable = {
  MatMul: matmul,
  Gemm: gemm,
  ...table("Softmax LogSoftmax Hardmax LpNormalization", alongAxes(lastAxis)),
  ...table("LayerNormalization RMSNormalization", alongAxes(fromAxis)),
  ...table("ReduceSum ReduceMean ReduceL1 ReduceL2 ReduceSumSquare", reduction(true)),
  ...table("ReduceMax ReduceMin ReduceProd", reduction(false)),
  ...table("ReduceLogSum ReduceLogSumExp", reduction(false, false)),
  Attention: attention,
};
