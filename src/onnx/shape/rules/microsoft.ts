/** @file Shapes of ONNX Runtime's own operators that are left in a graph, or looked at before they are expanded. */
import { intAttribute } from "../../attributes.js";
import type { Shape } from "../../dim.js";
import { type InferRule, inputType, type RuleTable, sameAsInput } from "../rule.js";
import { matmulShape } from "./matmul.js";

const swapLast = (shape: Shape | undefined): Shape | undefined =>
  shape && shape.length > 1 ? [...shape.slice(0, -2), ...shape.slice(-2).reverse()] : shape;

/** The batch axes moved to the end but one: what transBatchA asks for. */
const rotateBatch = (shape: Shape | undefined): Shape | undefined =>
  shape && shape.length > 2 ? [...shape.slice(1, -1), ...shape.slice(0, 1), ...shape.slice(-1)] : shape;

const fusedMatmul: InferRule = (node, context) => {
  const { dtype, shape: a } = inputType(node, 0, context);
  const { shape: b } = inputType(node, 1, context);
  const left = intAttribute(node, "transBatchA", 0) ? rotateBatch(a) : a;
  const right = intAttribute(node, "transBatchB", 0) ? rotateBatch(b) : b;
  const shape = matmulShape(
    intAttribute(node, "transA", 0) ? swapLast(left) : left,
    intAttribute(node, "transB", 0) ? swapLast(right) : right,
  );
  return [{ dtype, shape }];
};

const KEEP = ["Gelu", "FastGelu", "BiasGelu", "QuickGelu", "BiasSoftmax", "RotaryEmbedding", "BiasAdd"];

/** Back from ONNX Runtime's blocked layout, whose padding channels are cut off. */
const reorderOutput: InferRule = (node, context) => {
  const { dtype, shape } = inputType(node, 0, context);
  if (shape === undefined) return [{ dtype, shape }];
  const [batch = null, , ...spatial] = shape;
  const channels = intAttribute(node, "channels", 0);
  const last = intAttribute(node, "channels_last", 0) !== 0;
  return [{ dtype, shape: last ? [batch, ...spatial, channels] : [batch, channels, ...spatial] }];
};

export const microsoftRules: RuleTable = {
  ...Object.fromEntries(KEEP.map((name) => [`com.microsoft:${name}`, sameAsInput])),
  "com.microsoft:FusedMatMul": fusedMatmul,
  "com.microsoft.nchwc:ReorderOutput": reorderOutput,
};
