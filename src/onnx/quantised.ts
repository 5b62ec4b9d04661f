/**
 * @file Tells whether a graph computes with quantised numbers. Rounding has no useful gradient, so methods that
 * need gradients refuse such models by the name of the first node; black-box methods work on them.
 */
import type { Graph, Node } from "./graph.js";

/** Operators of ONNX and of ONNX Runtime (com.microsoft) on integers or blocks of few bits. */
const PATTERNS: readonly RegExp[] = [
  /^(Dynamic)?QuantizeLinear$/,
  /^DequantizeLinear$/,
  /^QLinear/,
  /Integer(ToFloat)?$/,
  /^DynamicQuantize/,
  /^MatMul(NBits|Bnb4|Fpq4)$/,
  /^GatherBlockQuantized$/,
  /^QOrdered/,
  /^Q(Attention|EmbedLayerNormalization|Gemm|MoE)$/,
];

function isQuantised(node: Node): boolean {
  const known = node.domain === "" || node.domain === "com.microsoft";
  return known && PATTERNS.some((pattern) => pattern.test(node.op));
}

/** The first node, in order, that computes with quantised numbers; subgraphs included. */
export function quantisedNode(graph: Graph): Node | undefined {
  for (const node of graph.nodes) {
    if (isQuantised(node)) return node;
    for (const attribute of Object.values(node.attributes)) {
      const inside = attribute.kind === "graph" ? quantisedNode(attribute.value) : undefined;
      if (inside !== undefined) return inside;
    }
  }
  return undefined;
}
