/** @file Shapes of quantisation, so that a quantised model still has known shapes (it runs as a black box). */
import { type InferRule, inputDtype, inputShape, type RuleTable } from "../rule.js";

const dequantize: InferRule = (node, context) => [
  { dtype: inputDtype(node, 1, context), shape: inputShape(node, 0, context) },
];

const quantize: InferRule = (node, context) => [
  { dtype: node.inputs[2] ? inputDtype(node, 2, context) : "uint8", shape: inputShape(node, 0, context) },
];

const dynamicQuantize: InferRule = (node, context) => [
  { dtype: "uint8", shape: inputShape(node, 0, context) },
  { dtype: "float32", shape: [] },
  { dtype: "uint8", shape: [] },
];

export const quantisedRules: RuleTable = {
  DequantizeLinear: dequantize,
  QuantizeLinear: quantize,
  DynamicQuantizeLinear: dynamicQuantize,
  "com.microsoft:DequantizeLinear": dequantize,
  "com.microsoft:QuantizeLinear": quantize,
};
