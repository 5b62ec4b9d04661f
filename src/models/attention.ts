/**
 * @file Multi-head self-attention with one product for queries, keys and values, whether the checkpoint keeps their
 * weights together (timm) or apart (Hugging Face).
 */
import { int, joinedLinear, layer, layerNorm, linear, reshape, type Site, transpose } from "./layers.js";

/** Where the checkpoint keeps the weights: module paths. */
export interface AttentionNames {
  /** Of the operation itself; what its nodes are called after. */
  readonly scope: string;
  /** One module [3·dim, dim], or those of queries, keys and values. */
  readonly qkv: string | readonly [query: string, key: string, value: string];
  readonly proj: string;
  /** Norms over the features of each head, where the checkpoint has them. */
  readonly queryNorm?: string;
  readonly keyNorm?: string;
}

export interface AttentionShape {
  readonly dim: number;
  readonly heads: number;
  readonly tokens: number;
  /** Of the norms on queries and keys. */
  readonly epsilon: number;
}

export interface AttentionExtras {
  /** A value added to the scores [n, heads, tokens, tokens]: a relative position bias. */
  readonly bias?: string;
  /** Applied to queries and keys [n, tokens, heads, dim/heads] after their norms: rotary positions. */
  readonly rotate?: (x: string) => string;
}

/** softmax(Q·Kᵀ/√d)·V on [n, tokens, dim], projected. */
export function attention(
  site: Site,
  names: AttentionNames,
  x: string,
  { dim, heads, tokens, epsilon }: AttentionShape,
  { bias, rotate = (part) => part }: AttentionExtras = {},
): string {
  const { graph, weights } = site;
  const { scope } = names;
  const width = dim / heads;
  const joint =
    typeof names.qkv === "string"
      ? linear(site, names.qkv, x, dim, 3 * dim)
      : joinedLinear(site, scope, names.qkv, x, dim, dim);
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
  const normed = (part: string, name: string | undefined) =>
    name !== undefined && weights.has(`${name}.weight`) ? layerNorm(site, name, part, width, epsilon) : part;
  // On the queries, the scale touches fewer numbers than on the scores.
  const rotated = rotate(normed(q, names.queryNorm));
  const scaled = layer(site, scope, "Mul", [rotated, graph.float(width ** -0.5)]);
  const queries = transpose(site, scope, scaled, [0, 2, 1, 3]);
  const keys = transpose(site, scope, rotate(normed(k, names.keyNorm)), [0, 2, 3, 1]);
  const values = transpose(site, scope, v, [0, 2, 1, 3]);
  const product = layer(site, scope, "MatMul", [queries, keys]);
  const scores = bias === undefined ? product : layer(site, scope, "Add", [product, bias]);
  const map = layer(site, scope, "Softmax", [scores], { axis: int(-1) });
  const mixed = transpose(site, scope, layer(site, scope, "MatMul", [map, values]), [0, 2, 1, 3]);
  return linear(site, names.proj, reshape(site, scope, mixed, [0, tokens, dim]), dim, dim);
}
