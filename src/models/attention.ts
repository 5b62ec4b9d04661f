/**
 * @file Multi-head self-attention with one product for queries, keys and values, whether the checkpoint keeps their
 * weights together (timm) or apart (Hugging Face).
 */
import type { Tensor } from "../onnx/graph.js";
import { int, joinedLinear, layer, layerNorm, linear, reshape, type Site, transpose } from "./layers.js";
import { addTransposed, transposeInto } from "./transpose.js";

/** Where the checkpoint keeps the weights: module paths. */
export interface AttentionNames {
  /** Of the operation itself; what its nodes are called after. */
  readonly scope: string;
  /** One module [3·dim, dim], or those of queries, keys and values. */
  readonly qkv: string | readonly [query: string, key: string, value: string];
  /**
   * The biases' names, one or three, undefined for those that are zero (BEiT's keys have none). If not given: those beside
   * the weights, where the checkpoint has them.
   */
  readonly biases?: readonly (string | undefined)[];
  /** Of one bias for all, the keys' part counts as zero (DINOv3's own checkpoints mask it). */
  readonly unbiasedKeys?: boolean;
  readonly proj: string;
  /** Norms over the features of each head, where the checkpoint has them. */
  readonly queryNorm?: string;
  readonly keyNorm?: string;
  /** Norm over the heads' joined results, where the checkpoint has it. */
  readonly norm?: string;
}

export interface AttentionShape {
  readonly dim: number;
  readonly heads: number;
  readonly tokens: number;
  /** Of the norms. */
  readonly epsilon: number;
}

export interface AttentionExtras {
  /** A value added to the scores [n, heads, tokens, tokens]: a relative position bias. */
  readonly bias?: string | undefined;
  /** Applied to queries and keys [n, tokens, heads, dim/heads] after their norms: rotary positions. */
  readonly rotate?: ((x: string) => string) | undefined;
  /**
   * The order in which each head's features of queries and keys are wanted. The scores do not depend on it; a rotation of
   * neighbouring features becomes one of halves, which moves memory in long runs. Not with norms on queries and keys.
   */
  readonly order?: readonly number[] | undefined;
}

/** The joint projection [n, tokens, 3·dim], with the features of queries and keys in the wanted order. */
function project(
  site: Site,
  { scope, qkv, biases, unbiasedKeys = false }: AttentionNames,
  x: string,
  { dim, heads }: AttentionShape,
  order: readonly number[] | undefined,
): string {
  if (order === undefined && biases === undefined) {
    return typeof qkv === "string"
      ? linear(site, qkv, x, dim, 3 * dim)
      : joinedLinear(site, scope, qkv, x, dim, dim);
  }
  const { graph, weights } = site;
  const modules = typeof qkv === "string" ? [qkv] : qkv;
  const width = dim / heads;
  /** Where row `row` of queries, keys and values, one after the other, is taken from. */
  const source = (row: number): number =>
    order === undefined || row >= 2 * dim ? row : row - (row % width) + (order[row % width] ?? 0);
  const weight = graph.fresh(`${scope}.joined.weight`);
  const length = (3 * dim) / modules.length;
  const matrices = modules.map((module) => ({ name: `${module}.weight`, dims: [length, dim] }));
  graph.define(
    weight,
    order === undefined
      ? weights.takeLinear(
          matrices.map(({ name }) => name),
          length,
          dim,
        )
      : weights.derive(
          matrices,
          [dim, 3 * dim],
          (parts, out) => {
            const rows = new Float32Array(3 * dim * dim);
            for (let row = 0; row < 3 * dim; row++) {
              const at = (source(row) % length) * dim;
              rows.set(parts[Math.floor(source(row) / length)]?.subarray(at, at + dim) ?? [], row * dim);
            }
            transposeInto(out, rows, { rows: 3 * dim, columns: dim, stride: 3 * dim, at: 0 });
          },
          (out, parts) => {
            for (let row = 0; row < 3 * dim; row++) {
              const at = (source(row) % length) * dim;
              const part = parts[Math.floor(source(row) / length)]?.subarray(at, at + dim);
              if (part) addTransposed(part, out, { rows: 1, columns: dim, stride: 3 * dim, at: row });
            }
          },
        ),
  );
  const product = layer(site, scope, "MatMul", [x, weight]);
  const names =
    biases ?? modules.map((module) => (weights.has(`${module}.bias`) ? `${module}.bias` : undefined));
  if (names.every((name) => name === undefined)) return product;
  const bias = graph.fresh(`${scope}.joined.bias`);
  graph.define(bias, joinedBias(weights, names, 3 * dim, source, unbiasedKeys));
  return layer(site, scope, "Add", [product, bias]);
}

/** Biases one after the other [length], zeros for `undefined`, with row i from row `source(i)`; those of keys may be 0. */
function joinedBias(
  weights: Site["weights"],
  names: readonly (string | undefined)[],
  length: number,
  source: (row: number) => number,
  unbiasedKeys: boolean,
): Tensor {
  const each = length / names.length;
  const rows = Array.from({ length }, (_, row) => row);
  if (!unbiasedKeys && rows.every((row) => source(row) === row)) return weights.takeJoined(names, each);
  const given = names.flatMap((name) => (name === undefined ? [] : [name]));
  const isKey = (row: number): boolean => row >= length / 3 && row < (2 * length) / 3;
  /** Which part a row is of, and where it lies there; undefined where it is 0. */
  const places = rows.map((row) => {
    const name = names[Math.floor(source(row) / each)];
    if (name === undefined || (unbiasedKeys && isKey(row))) return undefined;
    return { part: given.indexOf(name), at: source(row) % each };
  });
  return weights.derive(
    given.map((name) => ({ name, dims: [each] })),
    [length],
    (parts, out) => {
      for (const [row, place] of places.entries()) out[row] = (place && parts[place.part]?.[place.at]) ?? 0;
    },
    (out, parts) => {
      for (const [row, place] of places.entries()) {
        const part = place && parts[place.part];
        if (part) part[place.at] = (part[place.at] ?? 0) + (out[row] ?? 0);
      }
    },
  );
}

/** softmax(Q·Kᵀ/√d)·V on [n, tokens, dim], projected. */
export function attention(
  site: Site,
  names: AttentionNames,
  x: string,
  shape: AttentionShape,
  { bias, rotate = (part) => part, order }: AttentionExtras = {},
): string {
  const { graph, weights } = site;
  const { scope } = names;
  const { dim, heads, tokens, epsilon } = shape;
  const width = dim / heads;
  const joint = project(site, names, x, shape, order);
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
  const normed = (part: string, name: string | undefined, size: number) =>
    name !== undefined && weights.has(`${name}.weight`) ? layerNorm(site, name, part, size, epsilon) : part;
  // Right in front of the product: ONNX Runtime makes the scale a factor of it, and elsewhere it touches fewer numbers on
  // the queries than on the scores.
  const turned = transpose(site, scope, rotate(normed(q, names.queryNorm, width)), [0, 2, 1, 3]);
  const queries = layer(site, scope, "Mul", [turned, graph.float(width ** -0.5)]);
  const keys = transpose(site, scope, rotate(normed(k, names.keyNorm, width)), [0, 2, 3, 1]);
  const values = transpose(site, scope, v, [0, 2, 1, 3]);
  const product = layer(site, scope, "MatMul", [queries, keys]);
  const scores = bias === undefined ? product : layer(site, scope, "Add", [product, bias]);
  const map = layer(site, scope, "Softmax", [scores], { axis: int(-1) });
  const mixed = transpose(site, scope, layer(site, scope, "MatMul", [map, values]), [0, 2, 1, 3]);
  const joined = reshape(site, scope, mixed, [0, tokens, dim]);
  return linear(site, names.proj, normed(joined, names.norm, dim), dim, dim);
}
