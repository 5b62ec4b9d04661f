/**
 * @file Attention pooling (Zhai et al. 2022, "Scaling Vision Transformers"): a learned query asks all tokens. The query is
 * the same for every picture, so it is projected when the checkpoint is read.
 */
import {
  type Activation,
  int,
  layer,
  layerNorm,
  linear,
  mlp,
  reshape,
  type Site,
  transpose,
} from "./layers.js";
import type { Adjoint } from "./rearrange.js";

export interface AttentionPool {
  /** Holds latent, q, kv, proj, norm and mlp, as timm's AttentionPoolLatent names them. */
  readonly module: string;
  readonly heads: number;
  readonly hidden: number;
  readonly activation: Activation;
}

/** The projected query, times 1/√width: [heads, 1, width]. */
function query({ graph, weights }: Site, module: string, dim: number, heads: number): string {
  const parts = [
    { name: `${module}.latent`, dims: [1, 1, dim] },
    { name: `${module}.q.weight`, dims: [dim, dim] },
    { name: `${module}.q.bias`, dims: [dim] },
  ];
  const name = graph.fresh(`${module}.query`);
  const scale = (dim / heads) ** -0.5;
  const compute = ([latent, weight, bias]: readonly Float32Array[], out: Float32Array): void => {
    for (let row = 0; row < dim; row++) {
      let sum = bias?.[row] ?? 0;
      for (let i = 0; i < dim; i++) sum += (weight?.[row * dim + i] ?? 0) * (latent?.[i] ?? 0);
      out[row] = sum * scale;
    }
  };
  const adjoint: Adjoint = (out, gradients, [latent, weight]) => {
    const [toLatent, toWeight, toBias] = gradients;
    for (let row = 0; row < dim; row++) {
      const by = (out[row] ?? 0) * scale;
      if (toBias) toBias[row] = (toBias[row] ?? 0) + by;
      for (let i = 0, at = row * dim; i < dim; i++, at++) {
        if (toWeight) toWeight[at] = (toWeight[at] ?? 0) + by * (latent?.[i] ?? 0);
        if (toLatent) toLatent[i] = (toLatent[i] ?? 0) + by * (weight?.[at] ?? 0);
      }
    }
  };
  graph.define(name, weights.derive(parts, [heads, 1, dim / heads], compute, adjoint));
  return name;
}

/** Tokens [n, tokens, dim] → [n, dim]. */
export function attentionPool(
  site: Site,
  { module, heads, hidden, activation }: AttentionPool,
  x: string,
  { dim, epsilon, tokens }: { readonly dim: number; readonly epsilon: number; readonly tokens: number },
): string {
  const { graph } = site;
  const both = linear(site, `${module}.kv`, x, dim, 2 * dim);
  const options = { scope: module, hint: `${module}.Split` };
  const [k = "", v = ""] = graph
    .addMany("Split", [both, graph.ints([dim, dim])], 2, { axis: int(2) }, options)
    .map((part) => reshape(site, module, part, [0, tokens, heads, dim / heads]));
  const scores = layer(site, module, "MatMul", [
    query(site, module, dim, heads),
    transpose(site, module, k, [0, 2, 3, 1]),
  ]);
  const map = layer(site, module, "Softmax", [scores], { axis: int(-1) });
  const mixed = layer(site, module, "MatMul", [map, transpose(site, module, v, [0, 2, 1, 3])]);
  const pooled = linear(site, `${module}.proj`, reshape(site, module, mixed, [0, dim]), dim, dim);
  const names = { fc1: `${module}.mlp.fc1`, act: `${module}.mlp.act`, fc2: `${module}.mlp.fc2` };
  const normed = layerNorm(site, `${module}.norm`, pooled, dim, epsilon);
  return layer(site, module, "Add", [pooled, mlp(site, names, normed, { dim, hidden, act: activation })]);
}
