/**
 * @file Gradients of matrix products. By one matrix for all rows, a layer's weight, they stay lazy (`Linear`), so that
 * what several layers give back to one value becomes a single product with a two-dimensional right-hand side.
 */
import { float, floatAttribute, int, intAttribute } from "../../onnx/attributes.js";
import { sumTo, unbroadcast } from "../broadcast.js";
import type { Contribution, Rule, RuleContext, RuleTable } from "../rule.js";
import { constant, input, inputShape, optionalInput, output, shapeOf, unsupported } from "../rule.js";

interface Product {
  /** Operands with at least two axes, as they are multiplied. */
  readonly a: string;
  readonly b: string;
  readonly dy: string;
  readonly alpha: number;
}

/** ∂(α·a·b)/∂a = α·dy·bᵀ, summed over the batch axes along which a was repeated. */
function left(context: RuleContext, { a, b, dy, alpha }: Product): string {
  const { emit } = context;
  const [shapeA, shapeB] = [shapeOf(context, a), shapeOf(context, b)];
  const full = emit.scale(emit.matmul(dy, emit.swap(b, shapeB.length)), alpha);
  return sumTo(context, full, [...shapeOf(context, dy).slice(0, -2), ...shapeA.slice(-2)], shapeA);
}

/**
 * ∂(α·a·b)/∂b = α·aᵀ·dy for one matrix b [k, n] and all rows of a: one product of all rows. The narrower operand is
 * transposed where it lies, features in front: ONNX Runtime's products that transpose their left operand on the way
 * are slower than both together (ViT-Ti's MLP, 3152 rows: 11 instead of 14 ms).
 */
function byWeight(
  { emit }: RuleContext,
  { a, dy, alpha }: Product,
  [k, n]: readonly [number, number],
): string {
  const rows = (value: string, features: number) => emit.op("Reshape", [value, emit.ints([-1, features])]);
  const columns = (value: string, features: number) => {
    const rank = emit.shape(value)?.length ?? 0;
    const forward = Array.from({ length: rank }, (_, i) => (i + rank - 1) % rank);
    return emit.op("Reshape", [emit.transpose(value, forward), emit.ints([features, -1])]);
  };
  const product =
    k <= n ? emit.matmul(columns(a, k), rows(dy, n)) : emit.swap(emit.matmul(columns(dy, n), rows(a, k)), 2);
  return emit.scale(product, alpha);
}

/** ∂(α·a·b)/∂b = α·aᵀ·dy, summed over the batch axes along which b was repeated. */
function right(context: RuleContext, product: Product): string {
  const { emit } = context;
  const { a, b, dy, alpha } = product;
  const [shapeA, shapeB] = [shapeOf(context, a), shapeOf(context, b)];
  const rankY = shapeOf(context, dy).length;
  const [k, n] = shapeB;
  if (shapeB.length === 2 && shapeA.length > 2 && typeof k === "number" && typeof n === "number") {
    return byWeight(context, product, [k, n]);
  }
  // What was transposed into b is transposed back behind this: (dyᵀ·a)ᵀ then needs neither.
  const turned = emit.isTransposed(b)
    ? emit.swap(emit.matmul(emit.swap(dy, rankY), a), rankY)
    : emit.matmul(emit.swap(a, shapeA.length), dy);
  const full = emit.scale(turned, alpha);
  return sumTo(context, full, [...shapeOf(context, dy).slice(0, -2), ...shapeB.slice(-2)], shapeB);
}

const matmul: Rule = (context) => {
  const { emit, dy } = context;
  const [a, b] = [input(context, 0), input(context, 1)];
  const [rankA, rankB] = [inputShape(context, 0).length, inputShape(context, 1).length];
  // A vector is a matrix of one row on the left, of one column on the right; the product lacks that axis.
  const rankY = Math.max(rankA, rankB, 2);
  const added = [...(rankA === 1 ? [rankY - 2] : []), ...(rankB === 1 ? [rankY - 1] : [])];
  const product = (): Product => ({
    a: rankA === 1 ? emit.unsqueeze(a, [0]) : a,
    b: rankB === 1 ? emit.unsqueeze(b, [1]) : b,
    dy: emit.unsqueeze(dy, added),
    alpha: 1,
  });
  return [
    (): Contribution => {
      const fixed = constant(context, 1) !== undefined;
      if (rankB === 2 && rankA >= 2) return { kind: "linear", value: dy, weight: emit.swap(b, 2), fixed };
      return emit.squeeze(left(context, product()), rankA === 1 ? [0] : []);
    },
    () => emit.squeeze(right(context, product()), rankB === 1 ? [1] : []),
  ];
};

const fusedMatMul: Rule = (context) => {
  const { emit, dy, node } = context;
  if (intAttribute(node, "transBatchA", 0) !== 0 || intAttribute(node, "transBatchB", 0) !== 0) {
    unsupported(context, "transposed batches have no rule");
  }
  const operand = (index: number, flag: string) => {
    const rank = inputShape(context, index).length;
    const turned = intAttribute(node, flag, 0) !== 0 && rank > 1;
    return (value: string) => (turned ? emit.swap(value, rank) : value);
  };
  const [turnA, turnB] = [operand(0, "transA"), operand(1, "transB")];
  const product = (): Product => ({
    a: turnA(input(context, 0)),
    b: turnB(input(context, 1)),
    dy,
    alpha: floatAttribute(node, "alpha", 1),
  });
  return [() => turnA(left(context, product())), () => turnB(right(context, product()))];
};

/** α·a′·b′ + β·c with a′ and b′ turned or not. */
const gemm: Rule = (context) => {
  const { emit, dy, node } = context;
  const [a, b] = [input(context, 0), input(context, 1)];
  const alpha = floatAttribute(node, "alpha", 1);
  const [transA, transB] = [intAttribute(node, "transA", 0), intAttribute(node, "transB", 0)];
  const product = (left: string, right: string, turnLeft: number, turnRight: number) =>
    emit.op("Gemm", [left, right], { alpha: float(alpha), transA: int(turnLeft), transB: int(turnRight) });
  return [
    (): Contribution => {
      if (transA !== 0) return product(b, dy, transB, 1);
      const weight = emit.scale(transB !== 0 ? b : emit.swap(b, 2), alpha);
      return { kind: "linear", value: dy, weight, fixed: constant(context, 1) !== undefined };
    },
    () => (transB === 0 ? product(a, dy, 1 - transA, 0) : product(dy, a, 1, transA)),
    () => {
      const bias = optionalInput(context, 2) ?? "";
      return unbroadcast(context, emit.scale(dy, floatAttribute(node, "beta", 1)), output(context), bias);
    },
  ];
};

export const matmulRules: RuleTable = {
  MatMul: matmul,
  Gemm: gemm,
  "com.microsoft:FusedMatMul": fusedMatMul,
};
