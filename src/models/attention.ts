/**
 * @file Multi-head self-attention with one projection for queries, keys and values.
 */
import { layer, layerNorm, linear, reshape, type Site, transpose } from "./layers.js";

export interface AttentionOptions {
  readonly dim: number;
  readonly heads: number;
  readonly tokens: number;
  /** Of the norms on queries and keys, where the checkpoint has them. */
  readonly epsilon: number;
}

/** softmax(Q·Kᵀ/√d)·V on [n, tokens, dim], projected; weights `scope`.qkv, .q_norm, .k_norm, .proj. */
export function attention(site: Site, scope: string, x: string, options: AttentionOptions): string {
  const { dim, heads, tokens, epsilon } = options;
  const { graph, weights } = site;
  const width = dim / heads;
  const joint = reshape(site, scope, linear(site, `${scope}.qkv`, x, dim, 3 * dim), [
    0,
    tokens,
    3,
    heads,
    width,
  ]);
  const byHead = transpose(site, scope, joint, [2, 0, 3, 1, 4]);
  const [q = "", k = "", v = ""] = graph
    .addMany(
      "Split",
      [byHead, graph.ints([1, 1, 1])],
      3,
      { axis: { kind: "int", value: 0 } },
      { scope, hint: `${scope}.Split` },
    )
    .map((part) => layer(site, scope, "Squeeze", [part, graph.ints([0])]));
  const normed = (part: string, name: string) =>
    weights.has(`${name}.weight`) ? layerNorm(site, name, part, width, epsilon) : part;
  // On the queries, the scale touches fewer numbers than on the scores, and ONNX Runtime fuses it away.
  const scaled = layer(site, scope, "Mul", [normed(q, `${scope}.q_norm`), graph.float(width ** -0.5)]);
  const keys = transpose(site, scope, normed(k, `${scope}.k_norm`), [0, 1, 3, 2]);
  const scores = layer(site, scope, "MatMul", [scaled, keys]);
  const map = layer(site, scope, "Softmax", [scores], { axis: { kind: "int", value: -1 } });
  const mixed = transpose(site, scope, layer(site, scope, "MatMul", [map, v]), [0, 2, 1, 3]);
  return linear(site, `${scope}.proj`, reshape(site, scope, mixed, [0, tokens, dim]), dim, dim);
}
