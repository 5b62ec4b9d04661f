/**
 * @file The types of a node's outputs from what is known of its inputs. Exporters and optimisers leave no
 * reliable value_info, and every later pass needs shapes, so they are inferred here, with the batch symbolic.
 */
import type { Node, ValueType } from "../graph.js";
import { type InferContext, type InferRule, type RuleTable, UNKNOWN } from "./rule.js";
import { convolutionRules } from "./rules/convolution.js";
import { elementwiseRules } from "./rules/elementwise.js";
import { layoutRules } from "./rules/layout.js";
import { matmulRules } from "./rules/matmul.js";
import { microsoftRules } from "./rules/microsoft.js";
import { normalisationRules } from "./rules/normalisation.js";
import { quantisedRules } from "./rules/quantised.js";
import { reduceRules } from "./rules/reduce.js";
import { selectRules } from "./rules/select.js";
import { sourceRules } from "./rules/source.js";

export type { InferContext, InferRule } from "./rule.js";

const TABLES: readonly RuleTable[] = [
  elementwiseRules,
  matmulRules,
  reduceRules,
  layoutRules,
  selectRules,
  convolutionRules,
  normalisationRules,
  sourceRules,
  quantisedRules,
  microsoftRules,
];

const RULES: ReadonlyMap<string, InferRule> = new Map(TABLES.flatMap((table) => Object.entries(table)));

const ruleName = ({ domain, op }: Node): string =>
  domain === "" || domain === "ai.onnx" ? op : `${domain}:${op}`;

/** Types of the node's outputs, one for each; unknown operators have outputs of unknown type. */
export function inferNode(node: Node, context: InferContext): readonly ValueType[] {
  const types = RULES.get(ruleName(node))?.(node, context) ?? [];
  return node.outputs.map((_, i) => types[i] ?? UNKNOWN);
}
