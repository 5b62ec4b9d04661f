/**
 * @file One spelling for every operator: the opset is lifted and fused operators are written out, in one walk.
 */
import { CANONICAL_OPSET, GraphBuilder } from "../builder.js";
import { expandNode } from "../expand/expand.js";
import type { Model } from "../graph.js";
import { upliftNode, upliftVersions } from "./uplift.js";

/**
 * The model at opset 20 or its own later one, without fused operators where these have primitives. Inputs should
 * have their types. Throws VitreousError for an operator of an opset too old to be lifted.
 */
export function canonicalise(model: Model): Model {
  const from = model.opsets.get("") ?? CANONICAL_OPSET;
  const target = upliftVersions(model);
  const builder = GraphBuilder.rebuilding(target);
  for (const node of model.graph.nodes) {
    const lifted = upliftNode(node, from, builder);
    if (!expandNode(lifted, builder)) builder.push(lifted);
  }
  return { ...target, graph: builder.build() };
}
