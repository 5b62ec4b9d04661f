/** @file Shapes of normalisations, with the optional statistics some of them hand out. */
import { intAttribute } from "../../attributes.js";
import { type InferRule, inputShape, inputType, normalAxis, type RuleTable, sameAsInput } from "../rule.js";

const layerNorm: InferRule = (node, context) => {
  const { dtype, shape } = inputType(node, 0, context);
  const axis = shape && normalAxis(intAttribute(node, "axis", -1), shape.length);
  const statistics = shape?.map((d, i) => (axis !== undefined && i >= axis ? 1 : d));
  return [
    { dtype, shape },
    { dtype: "float32", shape: statistics },
    { dtype: "float32", shape: statistics },
  ];
};

const batchNorm: InferRule = (node, context) => [
  inputType(node, 0, context),
  { dtype: inputType(node, 3, context).dtype, shape: inputShape(node, 3, context) },
  { dtype: inputType(node, 4, context).dtype, shape: inputShape(node, 4, context) },
];

/** Outputs: normalised, mean, inverse deviation, sum of input and skip. */
const skipNorm: InferRule = (node, context) => {
  const type = inputType(node, 0, context);
  const statistics = {
    dtype: "float32",
    shape: type.shape?.map((d, i, all) => (i === all.length - 1 ? 1 : d)),
  } as const;
  return [type, statistics, statistics, type];
};

export const normalisationRules: RuleTable = {
  LayerNormalization: layerNorm,
  SimplifiedLayerNormalization: layerNorm,
  RMSNormalization: sameAsInput,
  BatchNormalization: batchNorm,
  InstanceNormalization: sameAsInput,
  GroupNormalization: sameAsInput,
  LRN: sameAsInput,
  MeanVarianceNormalization: sameAsInput,
  "com.microsoft:SkipLayerNormalization": skipNorm,
  "com.microsoft:SkipSimplifiedLayerNormalization": skipNorm,
};
