/** @file Shapes of matrix products: MatMul, Gemm, Einsum and their quantised relatives. */
import { intAttribute, stringAttribute } from "../../attributes.js";
import type { Dim, Shape } from "../../dim.js";
import { parseEquation } from "../../einsum.js";
import type { DataType } from "../../graph.js";
import {
  broadcast,
  broadcastDim,
  type InferRule,
  inputDtype,
  inputShape,
  type RuleTable,
  UNKNOWN,
} from "../rule.js";

/** NumPy's matmul: vectors are promoted and their axis dropped again. */
export function matmulShape(a: Shape | undefined, b: Shape | undefined): Shape | undefined {
  if (a === undefined || b === undefined || a.length === 0 || b.length === 0) return undefined;
  const batch = broadcast([a.slice(0, -2), b.slice(0, -2)]);
  if (batch === undefined) return undefined;
  const rows = a.length > 1 ? [a[a.length - 2] ?? null] : [];
  const columns = b.length > 1 ? [b[b.length - 1] ?? null] : [];
  return [...batch, ...rows, ...columns];
}

const matmul =
  (dtype?: DataType): InferRule =>
  (node, context) => [
    {
      dtype: dtype ?? inputDtype(node, 0, context),
      shape: matmulShape(inputShape(node, 0, context), inputShape(node, 1, context)),
    },
  ];

const gemm: InferRule = (node, context) => {
  const dtype = inputDtype(node, 0, context);
  const a = inputShape(node, 0, context);
  const b = inputShape(node, 1, context);
  const rows = a?.[intAttribute(node, "transA", 0) ? 1 : 0] ?? null;
  const columns = b?.[intAttribute(node, "transB", 0) ? 0 : 1] ?? null;
  return [{ dtype, shape: [rows, columns] }];
};

const einsum: InferRule = (node, context) => {
  const equation = stringAttribute(node, "equation", "");
  if (equation.includes(".")) return [UNKNOWN];
  const { inputs, result } = parseEquation(equation);
  const dims = new Map<string, Dim>();
  for (const [i, term] of inputs.entries()) {
    const shape = inputShape(node, i, context);
    for (const [j, letter] of [...term].entries()) {
      const known = dims.get(letter);
      const d = shape?.[j] ?? null;
      dims.set(letter, known === undefined ? d : broadcastDim(known, d));
    }
  }
  const shape = [...result].map((letter) => dims.get(letter) ?? null);
  return [{ dtype: inputDtype(node, 0, context), shape }];
};

const qlinearMatmul: InferRule = (node, context) => [
  {
    dtype: inputDtype(node, 7, context),
    shape: matmulShape(inputShape(node, 0, context), inputShape(node, 3, context)),
  },
];

export const matmulRules: RuleTable = {
  MatMul: matmul(),
  Gemm: gemm,
  Einsum: einsum,
  MatMulInteger: matmul("int32"),
  QLinearMatMul: qlinearMatmul,
  "com.microsoft:DynamicQuantizeMatMul": matmul(),
  "com.microsoft:MatMulIntegerToFloat": matmul("float32"),
};
