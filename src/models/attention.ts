/**
 * @file Multi-head self-attention with one projection for queries, keys and values.
 */
import { int, layer, layerNorm, linear, reshape, type Site, transpose } from "./layers.js";

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
  const joint = linear(site, `${scope}.qkv`, x, dim, 3 * dim);
  // Split before the transposes: the keys go straight to where the product wants them, and nothing is moved twice.
  const [q = "", k = "", v = ""] = graph
    .addMany(
      "Split",
      [joint, graph.ints([dim, dim, dim])],
      3,
      { axis: int(2) },
      { scope, hint: `${scope}.Split` },
    )
    .map((part) => reshape(site, scope, part, [0, tokens, heads, width]));
  const normed = (part: string, name: string) =>
    weights.has(`${name}.weight`) ? layerNorm(site, name, part, width, epsilon) : part;
  // On the queries, the scale touches fewer numbers than on the scores.
  const scaled = layer(site, scope, "Mul", [normed(q, `${scope}.q_norm`), graph.float(width ** -0.5)]);
  const queries = transpose(site, scope, scaled, [0, 2, 1, 3]);
  const keys = transpose(site, scope, normed(k, `${scope}.k_norm`), [0, 2, 3, 1]);
  const values = transpose(site, scope, v, [0, 2, 1, 3]);
  const map = layer(site, scope, "Softmax", [layer(site, scope, "MatMul", [queries, keys])], {
    axis: int(-1),
  });
  const mixed = transpose(site, scope, layer(site, scope, "MatMul", [map, values]), [0, 2, 1, 3]);
  return linear(site, `${scope}.proj`, reshape(site, scope, mixed, [0, tokens, dim]), dim, dim);
}
