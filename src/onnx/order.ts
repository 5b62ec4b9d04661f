/**
 * @file Which values a node needs, and putting nodes in an order in which each has what it needs. Subgraphs
 * count: the branches of an If read values of the graph around it.
 */
import { VitreousError } from "./errors.js";
import type { Graph, Node } from "./graph.js";

/** Names that a graph's nodes and outputs read but that it does not define: what it takes from outside. */
export function outerNames(graph: Graph): Set<string> {
  const defined = new Set<string>([...graph.inputs.map((i) => i.name), ...graph.constants.keys()]);
  for (const node of graph.nodes) for (const output of node.outputs) defined.add(output);
  const outer = new Set<string>();
  const need = (name: string): void => {
    if (name !== "" && !defined.has(name)) outer.add(name);
  };
  for (const node of graph.nodes) for (const name of neededBy(node)) need(name);
  for (const output of graph.outputs) need(output.name);
  return outer;
}

/** Every value a node reads: its inputs, and what its subgraphs take from outside. Absent inputs are left out. */
export function neededBy(node: Node): string[] {
  const names = node.inputs.filter((name) => name !== "");
  for (const attribute of Object.values(node.attributes)) {
    if (attribute.kind === "graph") names.push(...outerNames(attribute.value));
  }
  return names;
}

export function describeNode(node: Node): string {
  return `${node.domain === "" ? "" : `${node.domain}.`}${node.op} "${node.name}"`;
}

/**
 * The nodes in topological order; unchanged where they already are. Names that no node makes are taken to be
 * there from the start. Throws VitreousError on a cycle.
 */
export function orderNodes(nodes: readonly Node[]): readonly Node[] {
  const maker = new Map<string, number>();
  nodes.forEach((node, i) => {
    for (const output of node.outputs) if (output !== "") maker.set(output, i);
  });
  const needs = nodes.map((node) =>
    neededBy(node).flatMap((name) => {
      const made = maker.get(name);
      return made === undefined ? [] : [made];
    }),
  );
  if (needs.every((list, i) => list.every((made) => made < i))) return nodes;
  return depthFirst(nodes, needs);
}

/** Each node after all it needs, otherwise in the given order; without recursion, since chains are long. */
function depthFirst(nodes: readonly Node[], needs: readonly (readonly number[])[]): readonly Node[] {
  const ordered: Node[] = [];
  const state = new Uint8Array(nodes.length);
  const OPEN = 1;
  const DONE = 2;
  const stack: { readonly index: number; next: number }[] = [];
  for (let start = 0; start < nodes.length; start++) {
    if (state[start] === DONE) continue;
    state[start] = OPEN;
    stack.push({ index: start, next: 0 });
    for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
      const node = nodes[top.index];
      const made = needs[top.index]?.[top.next++];
      if (made === undefined) {
        state[top.index] = DONE;
        if (node !== undefined) ordered.push(node);
        stack.pop();
      } else if (state[made] === OPEN) {
        const where = node === undefined ? "" : ` at node ${describeNode(node)}`;
        throw new VitreousError(`The model's graph has a cycle${where}: it is damaged. Export it again.`);
      } else if (state[made] !== DONE) {
        state[made] = OPEN;
        stack.push({ index: made, next: 0 });
      }
    }
  }
  return ordered;
}
