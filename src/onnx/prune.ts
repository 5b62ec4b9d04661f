/** @file Leaves out what no output needs: nodes, constants and types of values that are no longer there. */
import type { Graph, Node } from "./graph.js";
import { neededBy } from "./order.js";

/** The graph without dead nodes and constants. Inputs stay, whether used or not. */
export function prune(graph: Graph): Graph {
  const needed = new Set(graph.outputs.map((output) => output.name));
  const nodes: Node[] = [];
  for (const node of graph.nodes.toReversed()) {
    if (!node.outputs.some((name) => name !== "" && needed.has(name))) continue;
    nodes.push(node);
    for (const name of neededBy(node)) needed.add(name);
  }
  nodes.reverse();
  const constants = new Map([...graph.constants].filter(([name]) => needed.has(name)));
  const alive = new Set([
    ...nodes.flatMap((node) => node.outputs),
    ...constants.keys(),
    ...graph.inputs.map((input) => input.name),
  ]);
  const types = new Map([...graph.types].filter(([name]) => alive.has(name)));
  return { ...graph, nodes, constants, types };
}
