/**
 * @file Which part of a graph is differentiated: the nodes on a path from a wanted value to a differentiated one.
 */
import { VitreousError } from "../onnx/errors.js";
import type { Node } from "../onnx/graph.js";
import { isFlat, ruleKey, ruleOf } from "./registry.js";
import { describe } from "./rule.js";

export interface Reach {
  /** Wanted values and all that depends on them by paths along which a gradient can flow. */
  readonly downstream: ReadonlySet<string>;
  /** For each node, whether its rule is applied. */
  readonly active: ReadonlySet<Node>;
}

/** `nodes` in topological order; `of` are the differentiated values, `wrt` the wanted ones. */
export function findReach(nodes: readonly Node[], of: ReadonlySet<string>, wrt: ReadonlySet<string>): Reach {
  const downstream = new Set(wrt);
  for (const node of nodes) {
    if (isFlat(ruleKey(node)) || !node.inputs.some((name) => downstream.has(name))) continue;
    for (const name of node.outputs) if (name !== "") downstream.add(name);
  }
  const upstream = new Set(of);
  const active = new Set<Node>();
  for (const node of nodes.toReversed()) {
    if (!node.outputs.some((name) => upstream.has(name) && downstream.has(name))) continue;
    if (isFlat(ruleKey(node))) continue;
    for (const name of node.inputs) upstream.add(name);
    if (node.inputs.some((name) => downstream.has(name))) active.add(node);
  }
  return { downstream, active };
}

const QUANTISED = /Quantize|Integer|^QLinear|^QAttention|^QGemm|NBits|MatMulBnb4/;

/** Says which operator stands in the way, before anything is written. */
export function requireRules(active: ReadonlySet<Node>): void {
  for (const node of active) {
    if (ruleOf(ruleKey(node)) !== undefined) continue;
    const reason = QUANTISED.test(node.op)
      ? "the model is quantised, and rounding has no gradient; use the floating-point export of the model"
      : "there is no gradient rule for it";
    throw new VitreousError(
      `${describe(node)} is on the path from the class score to what the method needs, but ${reason}. ` +
        "Methods that need no gradient still work.",
    );
  }
}
