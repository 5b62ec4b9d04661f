/** @file Who makes and who reads each value of a graph: what recognising a pattern asks all the time. */
import type { Shape } from "../../onnx/dim.js";
import type { Graph, Node } from "../../onnx/graph.js";
import { elementCount, tensorToNumbers } from "../../onnx/tensor.js";

export interface GraphIndex {
  producer(name: string): Node | undefined;
  /** The only node that reads the value, if it is one node. */
  reader(name: string): Node | undefined;
  scalar(name: string): number | undefined;
  shape(name: string): Shape | undefined;
}

export function indexGraph(graph: Graph): GraphIndex {
  const producers = new Map<string, Node>();
  const readers = new Map<string, Node[]>();
  for (const node of graph.nodes) {
    for (const name of node.outputs) producers.set(name, node);
    for (const name of new Set(node.inputs)) readers.set(name, [...(readers.get(name) ?? []), node]);
  }
  return {
    producer: (name) => producers.get(name),
    reader: (name) => (readers.get(name)?.length === 1 ? readers.get(name)?.[0] : undefined),
    scalar: (name) => {
      const tensor = graph.constants.get(name);
      return tensor && elementCount(tensor.dims) === 1 ? tensorToNumbers(tensor)[0] : undefined;
    },
    shape: (name) => graph.types.get(name)?.shape,
  };
}
