/**
 * @file Finds attention by what it is: a Softmax over the last axis, of scores that a matrix product makes of
 * activations, whose result multiplies other activations from the left. A Softmax on logits has no such product
 * behind it.
 */
import { intAttribute } from "../onnx/attributes.js";
import { isStatic } from "../onnx/dim.js";
import type { Model, Node } from "../onnx/graph.js";
import type { Topology } from "./topology.js";

export interface AttentionSite {
  /** Value name of the softmax output. */
  readonly weights: string;
  /** The product of queries and keys. */
  readonly scores: Node;
  /** The product of weights and values. */
  readonly mix: Node;
  /** Value name of the values operand. */
  readonly values: string;
  /** "self": as many queries as keys, both computed from the image; "pooling": fewer queries, or learned ones. */
  readonly kind: "self" | "pooling";
  /** Rows (queries) and columns (keys) of one matrix; undefined where the shape is unknown. */
  readonly size: readonly [number, number] | undefined;
}

/** Between scores and softmax: scale, bias, mask, soft cap, casts, windows apart and together. */
const BEFORE = new Set(
  (
    "Add Sub Mul Div Where Cast Clip Min Max Tanh Identity Reshape Transpose Squeeze Unsqueeze Flatten Expand " +
    "Concat Slice Dropout"
  ).split(" "),
);

/** Between softmax and the product with the values: casts, dropout, the NaN guard of scaled_dot_product_attention. */
const AFTER = new Set(
  "Cast Where Identity Dropout Reshape Transpose Squeeze Unsqueeze Flatten Mul Add Expand".split(" "),
);

const PRODUCTS = new Set(["MatMul", "Gemm", "Einsum", "MatMulInteger"]);

/** All attention sites, in the graph's order. */
export function findAttention(model: Model, topology: Topology): AttentionSite[] {
  return model.graph.nodes.flatMap((node) => {
    const site = node.op === "Softmax" ? siteAt(model, topology, node) : undefined;
    return site === undefined ? [] : [site];
  });
}

function siteAt(model: Model, topology: Topology, softmax: Node): AttentionSite | undefined {
  const weights = softmax.outputs[0] ?? "";
  const shape = model.graph.types.get(weights)?.shape;
  const opset = model.opsets.get("") ?? 17;
  const axis = intAttribute(softmax, "axis", opset < 13 ? 1 : -1);
  if (axis !== -1 && (shape === undefined || axis !== shape.length - 1)) return undefined;
  const scores = productBefore(topology, softmax.inputs[0] ?? "");
  const mix = productAfter(topology, weights);
  if (scores === undefined || mix === undefined) return undefined;
  const rows = shape?.at(-2);
  const columns = shape?.at(-1);
  const size = isStatic(rows) && isStatic(columns) ? ([rows, columns] as const) : undefined;
  const learned = !scores.inputs.slice(0, 2).every((name) => topology.activations.has(name));
  const pooling = learned || (size !== undefined && size[0] !== size[1]);
  return { weights, scores, ...mix, kind: pooling ? "pooling" : "self", size };
}

function productBefore(topology: Topology, start: string): Node | undefined {
  const seen = new Set<string>();
  const queue = [start];
  for (let name = queue.shift(); name !== undefined; name = queue.shift()) {
    if (seen.has(name) || !topology.activations.has(name)) continue;
    seen.add(name);
    const node = topology.producers.get(name);
    if (node === undefined) continue;
    if (PRODUCTS.has(node.op)) return node;
    if (BEFORE.has(node.op)) queue.push(...node.inputs);
  }
  return undefined;
}

function productAfter(topology: Topology, start: string): { mix: Node; values: string } | undefined {
  const seen = new Set<string>();
  const queue = [start];
  for (let name = queue.shift(); name !== undefined; name = queue.shift()) {
    if (seen.has(name)) continue;
    seen.add(name);
    for (const node of topology.consumers.get(name) ?? []) {
      const values = node.inputs[1] ?? "";
      if (PRODUCTS.has(node.op) && node.inputs[0] === name && topology.activations.has(values)) {
        return { mix: node, values };
      }
      if (AFTER.has(node.op)) queue.push(...node.outputs.slice(0, 1));
    }
  }
  return undefined;
}
