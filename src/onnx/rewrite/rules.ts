/** @file The rules of the row analysis, by operator. */
import type { Node } from "../graph.js";
import type { Rule } from "./rule.js";
import { contractRules } from "./rules/contract.js";
import { elementwiseRules } from "./rules/elementwise.js";
import { layoutRules } from "./rules/layout.js";
import { padRules } from "./rules/pad.js";
import { selectRules } from "./rules/select.js";

const RULES: ReadonlyMap<string, Rule> = new Map(
  [elementwiseRules, layoutRules, selectRules, padRules, contractRules].flatMap((table) =>
    Object.entries(table),
  ),
);

/** The rule of a node's operator; undefined: a barrier. */
export function ruleOf(node: Node): Rule | undefined {
  return node.domain === "" || node.domain === "ai.onnx" ? RULES.get(node.op) : undefined;
}
