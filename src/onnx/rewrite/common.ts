/** @file Computes equal things once: equal constants become one, and equal operators on equal inputs. */

import type { Attribute, Graph, Model, Node, Tensor } from "../graph.js";
import { neededBy } from "../order.js";

/** Constants up to this many bytes are compared by content; larger ones are equal where they are the same bytes. */
const SMALL = 4096;

/** Operators that give something else each time. */
const RANDOM = /^(Random|Multinomial|Bernoulli)/;

function constantKey(tensor: Tensor, buffers: Map<ArrayBufferLike, number>): string {
  const { dtype, dims, bytes, strings } = tensor;
  const type = `${dtype}[${dims.join()}]`;
  if (strings !== undefined) return `${type}${JSON.stringify(strings)}`;
  if (bytes.byteLength <= SMALL) return `${type}:${bytes.join()}`;
  const buffer = buffers.get(bytes.buffer) ?? buffers.size;
  buffers.set(bytes.buffer, buffer);
  return `${type}@${buffer}+${bytes.byteOffset}`;
}

function attributeKey([name, attribute]: readonly [string, Attribute]): string | undefined {
  if (attribute.kind === "graph" || attribute.kind === "tensor") return undefined;
  return `${name}=${attribute.kind}:${JSON.stringify(attribute.value)}`;
}

/** What makes two nodes equal; undefined for one that is equal to no other. */
function nodeKey(node: Node, inputs: readonly string[]): string | undefined {
  if (RANDOM.test(node.op)) return undefined;
  const attributes = Object.entries(node.attributes)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(attributeKey);
  if (attributes.includes(undefined)) return undefined;
  const asked = node.outputs.map((name) => (name === "" ? "-" : "+")).join("");
  return JSON.stringify([node.domain, node.op, asked, inputs, attributes]);
}

/** Names of constants → the first constant equal to them. */
function equalConstants(graph: Graph): Map<string, string> {
  const buffers = new Map<ArrayBufferLike, number>();
  const first = new Map<string, string>();
  const same = new Map<string, string>();
  for (const [name, tensor] of graph.constants) {
    const key = constantKey(tensor, buffers);
    const known = first.get(key);
    if (known === undefined) first.set(key, name);
    else same.set(name, known);
  }
  return same;
}

/** The model with common subexpressions computed once. Graph outputs and `keep` keep their names. */
export function shareCommon(model: Model, keep: readonly string[] = []): Model {
  const { graph } = model;
  // Names that must stay: what is asked for by name, also by subgraphs.
  const captured = graph.nodes.flatMap((node) => neededBy({ ...node, inputs: [] }));
  const fixed = new Set([...keep, ...captured, ...graph.outputs.map((output) => output.name)]);
  const same = equalConstants(graph);
  for (const name of fixed) same.delete(name);
  const first = new Map<string, Node>();
  const nodes: Node[] = [];
  for (const node of graph.nodes) {
    const inputs = node.inputs.map((name) => same.get(name) ?? name);
    const key = nodeKey(node, inputs);
    const known = key === undefined ? undefined : first.get(key);
    if (known !== undefined && !node.outputs.some((name) => fixed.has(name))) {
      for (const [i, name] of node.outputs.entries()) same.set(name, known.outputs[i] ?? "");
      continue;
    }
    const kept = { ...node, inputs };
    nodes.push(kept);
    if (key !== undefined && known === undefined) first.set(key, kept);
  }
  const constants = new Map([...graph.constants].filter(([name]) => !same.has(name)));
  return { ...model, graph: { ...graph, nodes, constants } };
}
