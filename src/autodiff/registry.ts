/**
 * @file The table of gradient rules, and the operators whose gradient is exactly zero everywhere (where it exists).
 */
import type { Node } from "../onnx/graph.js";
import type { Rule } from "./rule.js";
import { convRules } from "./rules/conv.js";
import { einsumRules } from "./rules/einsum.js";
import { elementwiseRules } from "./rules/elementwise.js";
import { gatherRules } from "./rules/gather.js";
import { geluRules } from "./rules/gelu.js";
import { layerNormRules } from "./rules/layer-norm.js";
import { layoutRules } from "./rules/layout.js";
import { matmulRules } from "./rules/matmul.js";
import { normalisationRules } from "./rules/normalisation.js";
import { poolRules } from "./rules/pool.js";
import { reduceRules } from "./rules/reduce.js";
import { resizeRules } from "./rules/resize.js";
import { sliceRules } from "./rules/slice.js";
import { softmaxRules } from "./rules/softmax.js";
import { unaryRules } from "./rules/unary.js";

const RULES: ReadonlyMap<string, Rule> = new Map(
  [
    convRules,
    einsumRules,
    elementwiseRules,
    gatherRules,
    geluRules,
    layerNormRules,
    layoutRules,
    matmulRules,
    normalisationRules,
    poolRules,
    reduceRules,
    resizeRules,
    sliceRules,
    softmaxRules,
    unaryRules,
  ].flatMap((table) => Object.entries(table)),
);

/** Piecewise constant, integer or boolean: nothing flows back through them. */
const FLAT: ReadonlySet<string> = new Set(
  (
    "Shape Size ArgMax ArgMin Equal Greater GreaterOrEqual Less LessOrEqual And Or Xor Not IsNaN IsInf NonZero " +
    "Sign Floor Ceil Round BitwiseAnd BitwiseOr BitwiseXor BitwiseNot BitShift OneHot EyeLike ConstantOfShape Range"
  ).split(" "),
);

/** "Add", "com.microsoft:FusedMatMul". */
export const ruleKey = ({ op, domain }: Node): string =>
  domain === "" || domain === "ai.onnx" ? op : `${domain}:${op}`;

export const ruleOf = (key: string): Rule | undefined => RULES.get(key);

export const isFlat = (key: string): boolean => FLAT.has(key);

/** Every operator with a rule, for documentation and tests. */
export const operatorsWithRules = (): readonly string[] => [...RULES.keys()].sort();
