/**
 * @file Attention inside Swin's windows: one lookup to cut the grid into windows and one back, one product for
 * queries, keys and values, and biases and masks as one constant. Scaled products (v1) or cosines (v2).
 */

import type { Tensor } from "../onnx/graph.js";
import { float32Tensor } from "../onnx/tensor.js";
import { int, layer, linear, reshape, type Site, transpose } from "./layers.js";
import type { Adjoint, Compute } from "./rearrange.js";
import type { Weights } from "./weights.js";
import { gatherBias, offsetCount, type PositionBias, spreadBias } from "./window-bias.js";
import { slotsOfTokens, tokensOf, type Windows, windowCount, windowRegions, windowSlots } from "./windows.js";

/** torch.nn.functional.normalize: vectors shorter than this are not stretched to length 1. */
const SHORTEST = 1e-12;
/** Of the largest scale of cosines, beyond which it is clamped and has no gradient. */
const LARGEST_LOG_SCALE = Math.log(100);

/** Elements of a constant (4 MiB) up to which a mask is written out for every head, to be added with the bias. */
const COMBINED = 1 << 20;

export interface WindowAttention {
  /** Module path of the operation itself; what its nodes are called after. */
  readonly scope: string;
  /** Weights [3·heads·width, dim] of one module, or those of queries, keys and values. */
  readonly qkv: readonly string[];
  /** [3·heads·width], for queries, keys and values. */
  readonly qkvBias: ((weights: Weights) => Tensor) | undefined;
  /** Module path. */
  readonly proj: string;
  readonly bias: PositionBias;
  /** v2: the logarithm of each head's scale, [heads, 1, 1]; cosines take the place of products. */
  readonly logitScale: string | undefined;
  readonly dim: number;
  readonly heads: number;
  /** Of one head. */
  readonly width: number;
  readonly windows: Windows;
  /** Added to the scores of tokens that must not see each other. */
  readonly masked: number;
}

/** Tokens [n, tokens, dim] at the given places, one lookup; −1 is a token of zeros. */
export function rearrange(
  site: Site,
  scope: string,
  x: string,
  slots: readonly number[],
  tokens: number,
): string {
  if (slots.length === tokens && slots.every((slot, i) => slot === i)) return x;
  const { graph } = site;
  const padding = slots.includes(-1);
  const source = padding ? layer(site, scope, "Pad", [x, graph.ints([0, 0, 0, 0, 1, 0])]) : x;
  const indices = graph.ints(
    slots.map((slot) => (slot < 0 ? tokens : slot)),
    `${scope}.slots`,
  );
  return layer(site, scope, "Gather", [source, indices], { axis: int(1) });
}

/** [n, tokens, dim] → [n, tokens, dim]: every token attends to those of its window. */
export function windowAttention(site: Site, attention: WindowAttention, x: string): string {
  const { scope, proj, dim, heads, width, windows } = attention;
  const [count, tokens] = [windowCount(windows), tokensOf(windows)];
  const all = windows.grid[0] * windows.grid[1];
  const cut = rearrange(site, scope, x, windowSlots(windows), all);
  const inner = heads * width;
  const [q = "", k = "", v = ""] = site.graph
    .addMany(
      "Split",
      [joint(site, attention, cut), site.graph.ints([inner, inner, inner])],
      3,
      { axis: int(2) },
      { scope, hint: `${scope}.Split` },
    )
    .map((part) => reshape(site, scope, part, [0, count, tokens, heads, width]));
  const [queries, keys] = scaled(site, attention, q, k);
  const values = transpose(site, scope, v, [0, 1, 3, 2, 4]);
  const scores = layer(site, scope, "MatMul", [queries, keys]);
  const map = layer(site, scope, "Softmax", [biased(site, attention, scores)], { axis: int(-1) });
  const mixed = transpose(site, scope, layer(site, scope, "MatMul", [map, values]), [0, 1, 3, 2, 4]);
  const projected = linear(
    site,
    proj,
    reshape(site, scope, mixed, [0, count * tokens, inner]),
    inner,
    dim,
    true,
  );
  return rearrange(site, scope, projected, slotsOfTokens(windows), count * tokens);
}

/** [n, tokens, dim] → [n, tokens, 3·heads·width]. */
function joint(site: Site, { scope, qkv, qkvBias, dim, heads, width }: WindowAttention, x: string): string {
  const { graph, weights } = site;
  const weight = graph.fresh(`${scope}.qkv.weight`);
  graph.define(weight, weights.takeLinear(qkv, (3 * heads * width) / qkv.length, dim));
  const product = layer(site, scope, "MatMul", [x, weight]);
  if (qkvBias === undefined) return product;
  const bias = graph.fresh(`${scope}.qkv.bias`);
  graph.define(bias, qkvBias(weights));
  return layer(site, scope, "Add", [product, bias]);
}

/** Queries [n, windows, heads, tokens, width] and keys [n, windows, heads, width, tokens] whose product is the scores. */
function scaled(site: Site, attention: WindowAttention, q: string, k: string): readonly [string, string] {
  const { graph, weights } = site;
  const { scope, logitScale, heads, width } = attention;
  const toKeys = (x: string): string => transpose(site, scope, x, [0, 1, 3, 4, 2]);
  const toQueries = (x: string): string => transpose(site, scope, x, [0, 1, 3, 2, 4]);
  if (logitScale === undefined) {
    const queries = layer(site, scope, "Mul", [toQueries(q), graph.float(width ** -0.5)]);
    return [queries, toKeys(k)];
  }
  const scale = graph.fresh(`${logitScale}.exp`);
  graph.define(
    scale,
    weights.derive(
      [{ name: logitScale, dims: [heads, 1, 1] }],
      [heads, 1],
      ([logs = []], out) => {
        for (let i = 0; i < heads; i++) out[i] = Math.exp(Math.min(logs[i] ?? 0, LARGEST_LOG_SCALE));
      },
      (out, [to], [logs = []]) => {
        for (let i = 0; to !== undefined && i < heads; i++) {
          const log = logs[i] ?? 0;
          if (log <= LARGEST_LOG_SCALE) to[i] = (to[i] ?? 0) + (out[i] ?? 0) * Math.exp(log);
        }
      },
    ),
  );
  const length = (x: string): string =>
    layer(site, scope, "Max", [
      layer(site, scope, "ReduceL2", [x, graph.ints([-1])], { keepdims: int(1) }),
      graph.float(SHORTEST),
    ]);
  const factor = layer(site, scope, "Div", [scale, length(q)]);
  return [
    toQueries(layer(site, scope, "Mul", [q, factor])),
    toKeys(layer(site, scope, "Div", [k, length(k)])),
  ];
}

/** Scores [n, windows, heads, tokens, tokens] with the biases of positions and, where the grid is shifted, the mask. */
function biased(site: Site, attention: WindowAttention, scores: string): string {
  const { graph, weights } = site;
  const { scope, bias, heads, windows, masked } = attention;
  const [count, tokens] = [windowCount(windows), tokensOf(windows)];
  const regions = windowRegions(windows);
  const pairs = tokens * tokens;
  const combined = regions !== undefined && count * heads * pairs <= COMBINED;
  const name = graph.fresh(`${scope}.position_bias`);
  const dims = [...(combined ? [count] : []), heads, tokens, tokens];
  const size = heads * pairs;
  const compute: Compute = (parts, out) => {
    spreadBias(bias.table(parts), windows.window, heads, out);
    if (!combined) return;
    for (let i = count - 1; i >= 0; i--) {
      const window = out.subarray(i * size, (i + 1) * size);
      if (i > 0) window.set(out.subarray(0, size));
      for (let head = 0; head < heads; head++) {
        addMask(window.subarray(head * pairs, (head + 1) * pairs), regions, i, tokens, masked);
      }
    }
  };
  /** Every window has the same biases. */
  const back: Adjoint = (out, gradients, values) => {
    const table = new Float32Array(offsetCount(windows.window) * heads);
    for (let at = 0; at < out.length; at += size) {
      gatherBias(out.subarray(at, at + size), windows.window, heads, table);
    }
    bias.adjoint(table, gradients, values);
  };
  graph.define(name, weights.derive(bias.parts, dims, compute, back));
  const positioned = layer(site, scope, "Add", [scores, name]);
  if (regions === undefined || combined) return positioned;
  const mask = new Float32Array(count * pairs);
  for (let i = 0; i < count; i++)
    addMask(mask.subarray(i * pairs, (i + 1) * pairs), regions, i, tokens, masked);
  const constant = graph.constant(float32Tensor([count, 1, tokens, tokens], mask), `${scope}.attn_mask`);
  return layer(site, scope, "Add", [positioned, constant]);
}

/** Adds the mask of window `i` to `out` [tokens, tokens]. */
function addMask(out: Float32Array, regions: Uint8Array, i: number, tokens: number, masked: number): void {
  const own = regions.subarray(i * tokens, (i + 1) * tokens);
  own.forEach((a, query) => {
    own.forEach((b, key) => {
      if (a !== b) out[query * tokens + key] = (out[query * tokens + key] ?? 0) + masked;
    });
  });
}
