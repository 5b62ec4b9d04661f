/**
 * @file Who makes and who reads each value, and what depends on what: the questions that every part of the anatomy
 * asks of a graph.
 */
import type { Graph, Node } from "../onnx/graph.js";

export interface Topology {
  readonly producers: ReadonlyMap<string, Node>;
  readonly consumers: ReadonlyMap<string, readonly Node[]>;
  /** Position of a node in the graph's order. */
  readonly order: ReadonlyMap<Node, number>;
  /** Values that depend on the content of the image (not only on its size). */
  readonly activations: ReadonlySet<string>;
}

/** Their outputs depend on sizes, not on content. */
const SIZE_ONLY = new Set(["Shape", "Size", "ConstantOfShape", "EyeLike"]);

export function topologyOf(graph: Graph, input: string): Topology {
  const producers = new Map<string, Node>();
  const consumers = new Map<string, Node[]>();
  const order = new Map<Node, number>();
  for (const [position, node] of graph.nodes.entries()) {
    order.set(node, position);
    for (const name of node.outputs) if (name !== "") producers.set(name, node);
    for (const name of new Set(node.inputs)) {
      const readers = consumers.get(name);
      if (readers === undefined) consumers.set(name, [node]);
      else readers.push(node);
    }
  }
  const activations = reachable([input], (name) => consumers.get(name) ?? [], "outputs");
  return { producers, consumers, order, activations };
}

function reachable(
  start: readonly string[],
  next: (name: string) => readonly Node[],
  side: "inputs" | "outputs",
): Set<string> {
  const found = new Set(start);
  const stack = [...start];
  for (let name = stack.pop(); name !== undefined; name = stack.pop()) {
    for (const node of next(name)) {
      if (SIZE_ONLY.has(node.op)) continue;
      for (const other of node[side]) {
        if (other === "" || found.has(other)) continue;
        found.add(other);
        stack.push(other);
      }
    }
  }
  return found;
}

/** The values that `name` is computed from, itself included. */
export function ancestors(topology: Topology, name: string): Set<string> {
  const producerOf = (value: string): Node[] => {
    const node = topology.producers.get(value);
    return node === undefined ? [] : [node];
  };
  return reachable([name], producerOf, "inputs");
}

/** The values that are computed from `name`, itself included. */
export function descendants(topology: Topology, name: string): Set<string> {
  return reachable([name], (value) => topology.consumers.get(value) ?? [], "outputs");
}

/** These only rearrange or retype one tensor: all its elements are still there. */
const SAME_CONTENT = new Set([
  "Reshape",
  "Transpose",
  "Flatten",
  "Squeeze",
  "Unsqueeze",
  "Identity",
  "Cast",
  "Dropout",
]);

/** The value that `name` is a rearrangement of. Two values with one root hold the same content. */
export function rootOf(topology: Topology, name: string): string {
  let root = name;
  for (;;) {
    const node = topology.producers.get(root);
    if (node === undefined || !SAME_CONTENT.has(node.op)) return root;
    root = node.inputs[0] ?? "";
  }
}

const NORMALISATIONS = new Set(["LayerNormalization", "RMSNormalization", "SimplifiedLayerNormalization"]);

/** A normalisation over channels, as transformers have them. */
export function isNorm(node: Node): boolean {
  return NORMALISATIONS.has(node.op);
}
