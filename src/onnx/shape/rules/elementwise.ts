/** @file Shapes of operators that work element by element, with broadcasting. */
import { intAttribute } from "../../attributes.js";
import { dataTypeFromCode } from "../../data-type.js";
import type { DataType } from "../../graph.js";
import { broadcast, type InferRule, inputDtype, inputShape, type RuleTable, sameAsInput } from "../rule.js";

const SAME =
  "Abs Acos Acosh Asin Asinh Atan Atanh BitwiseNot Ceil Celu Clip Cos Cosh CumSum Elu Erf Exp Floor Gelu " +
  "HardSigmoid HardSwish Hardmax Identity LeakyRelu Log LogSoftmax LpNormalization Mish Neg Not PRelu Reciprocal " +
  "Relu Round Scatter ScatterElements ScatterND Selu Shrink Sigmoid Sign Sin Sinh Softmax Softplus Softsign Sqrt " +
  "Swish Tan Tanh ThresholdedRelu Trilu ReverseSequence";

const BROADCAST =
  "Add Sub Mul Div Mod Pow Min Max Sum Mean And Or Xor BitShift BitwiseAnd BitwiseOr BitwiseXor";

const COMPARE = "Equal Less LessOrEqual Greater GreaterOrEqual And Or Xor";

const broadcastAs =
  (dtype?: DataType, from = 0): InferRule =>
  (node, context) => [
    {
      dtype: dtype ?? inputDtype(node, from, context),
      shape: broadcast(node.inputs.map((_, i) => inputShape(node, i, context))),
    },
  ];

const sameShapeAs =
  (dtype: DataType): InferRule =>
  (node, context) => [{ dtype, shape: inputShape(node, 0, context) }];

const cast: InferRule = (node, context) => [
  { dtype: dataTypeFromCode(intAttribute(node, "to", 0)), shape: inputShape(node, 0, context) },
];

const castLike: InferRule = (node, context) => [
  { dtype: inputDtype(node, 1, context), shape: inputShape(node, 0, context) },
];

const dropout: InferRule = (node, context) => [
  ...sameAsInput(node, context),
  { dtype: "bool", shape: inputShape(node, 0, context) },
];

const table = (names: string, rule: InferRule): RuleTable =>
  Object.fromEntries(names.split(" ").map((name) => [name, rule]));

export const elementwiseRules: RuleTable = {
  ...table(SAME, sameAsInput),
  ...table(BROADCAST, broadcastAs()),
  ...table(COMPARE, broadcastAs("bool")),
  Where: broadcastAs(undefined, 1),
  IsNaN: sameShapeAs("bool"),
  IsInf: sameShapeAs("bool"),
  Cast: cast,
  CastLike: castLike,
  Dropout: dropout,
};
