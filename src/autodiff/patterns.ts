/**
 * @file Functions and movements that exporters write in several nodes are differentiated as one. The nodes in front of
 * the last stay, for whoever reads their values; what a gradient is wanted of inside keeps its original form.
 */
import type { Graph, Node } from "../onnx/graph.js";
import { findGelus } from "./patterns/gelu.js";
import { indexGraph } from "./patterns/graph-index.js";
import { findTransposes } from "./patterns/transpose.js";

/** For the last node of each pattern a node that makes the same value alone. `kept`: values whose gradients are wanted. */
export function recogniseUnits(graph: Graph, kept: ReadonlySet<string>): ReadonlyMap<Node, Node> {
  const index = indexGraph(graph);
  return new Map([...findGelus(graph, index, kept), ...findTransposes(graph, index, kept)]);
}
