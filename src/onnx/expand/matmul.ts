/** @file ONNX Runtime's FusedMatMul: a matrix product with transposed operands and a factor. */
import { floatAttribute, intAttribute, ints } from "../attributes.js";
import type { Node } from "../graph.js";
import { type Expansion, type ExpansionTable, input, type Writer } from "./expansion.js";

/**
 * The permutation that `trans` and `transBatch` ask for: the first batch axis goes to the end but one, then the
 * last two are swapped; undefined for none.
 */
function permutation(rank: number, swap: boolean, batch: boolean): readonly number[] | undefined {
  if (rank < 2 || (!swap && !batch)) return undefined;
  const axes = Array.from({ length: rank }, (_, i) => i);
  const moved = batch ? [...axes.slice(1, -1), 0, rank - 1] : axes;
  return swap ? [...moved.slice(0, -2), ...moved.slice(-2).reverse()] : moved;
}

function operand(node: Node, to: Writer, index: number, letter: "A" | "B"): string | undefined {
  const name = input(node, index);
  const swap = intAttribute(node, `trans${letter}`, 0) !== 0;
  const batch = intAttribute(node, `transBatch${letter}`, 0) !== 0;
  if (!swap && !batch) return name;
  const rank = to.shape(name)?.length;
  if (rank === undefined) return undefined;
  const perm = permutation(rank, swap, batch);
  return perm === undefined ? name : to.add("Transpose", [name], { perm: ints(perm) });
}

const fusedMatMul: Expansion = (node, to) => {
  const known = [0, 1].every((i) => to.shape(input(node, i)) !== undefined);
  if (!known) return false;
  const [a, b] = [operand(node, to, 0, "A"), operand(node, to, 1, "B")];
  if (a === undefined || b === undefined) return false;
  const alpha = floatAttribute(node, "alpha", 1);
  if (alpha === 1) {
    to.add("MatMul", [a, b], {}, node.outputs[0]);
    return true;
  }
  const product = to.add("MatMul", [a, b]);
  to.add("Mul", [product, to.scalar(alpha, a)], {}, node.outputs[0]);
  return true;
};

export const matmulExpansions: ExpansionTable = {
  "com.microsoft:FusedMatMul": fusedMatMul,
  "com.microsoft:TransposeMatMul": fusedMatMul,
};
