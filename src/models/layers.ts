/**
 * @file The layers that all architectures here are made of, written the way ONNX Runtime runs them fastest. Every
 * node carries its module path as scope ("blocks.3.norm1"), which is how people name layers.
 */

import type { GraphBuilder } from "../onnx/builder.js";
import type { Attribute } from "../onnx/graph.js";
import type { Weights } from "./weights.js";

/** Where layers are written to and where their weights come from. */
export interface Site {
  readonly graph: GraphBuilder;
  readonly weights: Weights;
}

/**
 * The same site, on which modules have a bias where their configuration says so, not where the checkpoint happens to have
 * one: a bias that is missing, or one too many, is then reported instead of being taken for a variant of the model.
 */
export function withBiases({ graph, weights }: Site, biased: (module: string) => boolean): Site {
  const suffix = ".bias";
  const has = (name: string): boolean =>
    name.endsWith(suffix) ? biased(name.slice(0, -suffix.length)) : weights.has(name);
  return { graph, weights: { ...weights, has } };
}

/** What the graph's outputs are called. */
export const LOGITS = "logits";
export const FEATURES = "features";

/** An integer attribute. */
export const int = (value: number): Attribute => ({ kind: "int", value });
const ints = (value: readonly number[]): Attribute => ({ kind: "ints", value });

/** A node whose output is named after its module path. */
export function layer(
  { graph }: Site,
  scope: string,
  op: string,
  inputs: readonly string[],
  attributes: Readonly<Record<string, Attribute>> = {},
): string {
  return graph.add(op, inputs, attributes, { scope, hint: `${scope}.${op}` });
}

/** A constant under the checkpoint's own name for it. */
export function parameter({ graph, weights }: Site, name: string, dims: readonly number[]): string {
  graph.define(name, weights.take(name, dims));
  return name;
}

/**
 * [..., inputs] → [..., outputs]: x·Wᵀ + b.
 *
 * @param biased whether there is a b; where the configuration does not say, whether the checkpoint has one
 */
export function linear(
  site: Site,
  scope: string,
  x: string,
  inputs: number,
  outputs: number,
  biased: boolean = site.weights.has(`${scope}.bias`),
): string {
  const { graph, weights } = site;
  const weight = `${scope}.weight`;
  graph.define(weight, weights.takeLinear([weight], outputs, inputs));
  const product = layer(site, scope, "MatMul", [x, weight]);
  return biased ? layer(site, scope, "Add", [product, parameter(site, `${scope}.bias`, [outputs])]) : product;
}

/** Several linear layers of the same input as one product: [..., inputs] → [..., outputs of the first | of the second | …]. */
export function joinedLinear(
  site: Site,
  scope: string,
  modules: readonly string[],
  x: string,
  inputs: number,
  outputs: number,
): string {
  const { graph, weights } = site;
  const weight = graph.fresh(`${scope}.joined.weight`);
  const names = modules.map((module) => `${module}.weight`);
  graph.define(weight, weights.takeLinear(names, outputs, inputs));
  const product = layer(site, scope, "MatMul", [x, weight]);
  const biases = modules.map((module) => (weights.has(`${module}.bias`) ? `${module}.bias` : undefined));
  if (biases.every((bias) => bias === undefined)) return product;
  const bias = graph.fresh(`${scope}.joined.bias`);
  graph.define(bias, weights.takeJoined(biases, outputs));
  return layer(site, scope, "Add", [product, bias]);
}

/**
 * The classifier: [n, inputs] → [n, outputs], on the weight as the checkpoint has it.
 *
 * @param last whether the result is the graph's logits, and called so
 */
export function classifier(
  site: Site,
  scope: string,
  x: string,
  inputs: number,
  outputs: number,
  last = true,
): string {
  const terms = [
    x,
    parameter(site, `${scope}.weight`, [outputs, inputs]),
    parameter(site, `${scope}.bias`, [outputs]),
  ];
  const named = last ? { outputs: [LOGITS] } : { hint: `${scope}.Gemm` };
  return site.graph.add("Gemm", terms, { transB: int(1) }, { scope, ...named });
}

/**
 * Layer normalisation over the last axis of `dim` features.
 *
 * @param biased whether it shifts; where the configuration does not say, whether the checkpoint has a bias
 */
export function layerNorm(
  site: Site,
  scope: string,
  x: string,
  dim: number,
  epsilon: number,
  biased: boolean = site.weights.has(`${scope}.bias`),
): string {
  const terms = [x, parameter(site, `${scope}.weight`, [dim])];
  if (biased) terms.push(parameter(site, `${scope}.bias`, [dim]));
  return layer(site, scope, "LayerNormalization", terms, {
    axis: int(-1),
    epsilon: { kind: "float", value: epsilon },
  });
}

export function reshape(site: Site, scope: string, x: string, dims: readonly number[]): string {
  return layer(site, scope, "Reshape", [x, site.graph.ints(dims)]);
}

export function transpose(site: Site, scope: string, x: string, perm: readonly number[]): string {
  return layer(site, scope, "Transpose", [x], { perm: ints(perm) });
}

/** The functions between the two linear layers of an MLP, under the names that configurations use. */
export type Activation = "gelu" | "gelu_tanh" | "quick_gelu" | "silu" | "relu";

export function activation(site: Site, scope: string, x: string, kind: Activation): string {
  const { graph } = site;
  const times = (factor: string) => layer(site, scope, "Mul", [x, layer(site, scope, "Sigmoid", [factor])]);
  switch (kind) {
    case "gelu":
      return layer(site, scope, "Gelu", [x]);
    case "gelu_tanh":
      return layer(site, scope, "Gelu", [x], { approximate: { kind: "string", value: "tanh" } });
    case "quick_gelu":
      return times(layer(site, scope, "Mul", [x, graph.float(1.702)]));
    case "silu":
      return times(x);
    case "relu":
      return layer(site, scope, "Relu", [x]);
  }
}

/** Module paths of an MLP. */
export interface MlpNames {
  readonly fc1: string;
  readonly act: string;
  readonly fc2: string;
}

/** Two linear layers with an activation between them. */
export function mlp(
  site: Site,
  names: MlpNames,
  x: string,
  { dim, hidden, act = "gelu" }: { readonly dim: number; readonly hidden: number; readonly act?: Activation },
): string {
  const active = activation(site, names.act, linear(site, names.fc1, x, dim, hidden), act);
  return linear(site, names.fc2, active, hidden, dim);
}

/** Pictures [n, 3, H, W] → patches [n, gh·gw, dim], in raster order. */
export function patchEmbedding(
  site: Site,
  scope: string,
  pixels: string,
  options: {
    readonly channels: number;
    readonly patch: readonly [number, number];
    readonly dim: number;
    readonly patches: number;
  },
): string {
  const { channels, patch, dim, patches } = options;
  const terms = [pixels, parameter(site, `${scope}.weight`, [dim, channels, ...patch])];
  if (site.weights.has(`${scope}.bias`)) terms.push(parameter(site, `${scope}.bias`, [dim]));
  const grid = layer(site, scope, "Conv", terms, { kernel_shape: ints(patch), strides: ints(patch) });
  const flat = reshape(site, scope, grid, [0, dim, patches]);
  return transpose(site, scope, flat, [0, 2, 1]);
}
