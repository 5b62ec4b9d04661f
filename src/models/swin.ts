/**
 * @file Swin (Liu et al. 2021) and Swin V2 (Liu et al. 2022) as a graph, whichever library trained them: patch
 * embedding, stages of window attention, merging of four tokens into one between them, mean pooling, classifier.
 * Norms stand in front of attention, MLP and the merging's product in v1, behind them in v2.
 */
import type { Tensor } from "../onnx/graph.js";
import type { Features, Size } from "./architecture.js";
import {
  type Activation,
  activation,
  layer,
  layerNorm,
  linear,
  type MlpNames,
  parameter,
  reshape,
  type Site,
  transpose,
} from "./layers.js";
import { rearrange, type WindowAttention, windowAttention } from "./swin-attention.js";
import { type VitHead, withFeatures, writeHead } from "./vit-head.js";
import type { Weights } from "./weights.js";
import { mergedGrid, mergedSlots } from "./windows.js";

export interface SwinBlock {
  /** Module path. */
  readonly scope: string;
  readonly norm1: string;
  readonly norm2: string;
  readonly attention: WindowAttention;
  readonly mlp: MlpNames;
  readonly hidden: number;
}

export interface SwinStage {
  readonly dim: number;
  readonly grid: Size;
  readonly blocks: readonly SwinBlock[];
  /** Module paths of what merges four tokens of this stage for the next one; undefined for the last stage. */
  readonly merging: { readonly norm: string; readonly reduction: string } | undefined;
}

export interface Swin {
  /** Whether norms stand behind what they belong to (v2). */
  readonly postNorm: boolean;
  readonly channels: number;
  readonly patch: Size;
  /** Zeros below and to the right of the picture, for whole patches. */
  readonly padding: Size;
  readonly patchEmbed: { readonly proj: string; readonly norm: string };
  /** Absolute position embeddings [1, tokens, dim] and their name. */
  readonly positions: { readonly scope: string; readonly make: (weights: Weights) => Tensor } | undefined;
  readonly stages: readonly SwinStage[];
  readonly norm: string;
  readonly head: VitHead;
  readonly act: Activation;
  /** Of the norms of blocks and of the last one. */
  readonly epsilon: number;
  /** Of the norms of patch embedding and merging. */
  readonly outerEpsilon: number;
}

/**
 * The mean of all tokens, classified.
 *
 * @param scope what the pooling's nodes are called after
 * @param classes 0: no classifier
 */
export function swinHead(
  scope: string,
  classifier: string,
  classes: number,
  features: Features | undefined,
): VitHead {
  const classifiers = classes === 0 ? ([] as const) : ([classifier] as const);
  return withFeatures({ pooling: { kind: "mean", from: 0 }, scope, classifiers, classes }, features, []);
}

/** [n, channels, H, W] → logits [n, classes], or features [n, dim]. */
export function swin(site: Site, model: Swin, pixels: string): string {
  const { stages, norm, epsilon, head } = model;
  const { dim = 0, grid = [0, 0] } = stages.at(-1) ?? {};
  let x = embed(site, model, pixels);
  for (const stage of stages) {
    for (const block of stage.blocks) x = transform(site, model, block, x, stage.dim);
    x = merge(site, model, stage, x);
  }
  const normed = layerNorm(site, norm, x, dim, epsilon, true);
  return writeHead(site, head, normed, { dim, epsilon, tokens: grid[0] * grid[1] });
}

/** Pictures → tokens [n, tokens, dim], in raster order. */
function embed(site: Site, model: Swin, pixels: string): string {
  const { patchEmbed, channels, patch, padding, stages, positions, outerEpsilon } = model;
  const { dim = 0, grid = [0, 0] } = stages[0] ?? {};
  const { proj, norm } = patchEmbed;
  const weight = parameter(site, `${proj}.weight`, [dim, channels, ...patch]);
  const terms = [pixels, weight, parameter(site, `${proj}.bias`, [dim])];
  const ints = (value: readonly number[]) => ({ kind: "ints" as const, value });
  const patches = layer(site, proj, "Conv", terms, {
    kernel_shape: ints(patch),
    strides: ints(patch),
    ...(padding[0] + padding[1] > 0 ? { pads: ints([0, 0, ...padding]) } : {}),
  });
  const flat = reshape(site, proj, patches, [0, dim, grid[0] * grid[1]]);
  const tokens = layerNorm(site, norm, transpose(site, proj, flat, [0, 2, 1]), dim, outerEpsilon, true);
  if (positions === undefined) return tokens;
  site.graph.define(positions.scope, positions.make(site.weights));
  return layer(site, positions.scope, "Add", [tokens, positions.scope]);
}

function transform(site: Site, model: Swin, block: SwinBlock, x: string, dim: number): string {
  const { postNorm, epsilon, act } = model;
  const { scope, hidden } = block;
  const residual = (input: string, norm: string, inner: (x: string) => string): string => {
    const normed = (value: string): string => layerNorm(site, norm, value, dim, epsilon, true);
    return layer(site, scope, "Add", [input, postNorm ? normed(inner(input)) : inner(normed(input))]);
  };
  const attended = residual(x, block.norm1, (input) => windowAttention(site, block.attention, input));
  return residual(attended, block.norm2, (input) => {
    const wide = linear(site, block.mlp.fc1, input, dim, hidden, true);
    return linear(site, block.mlp.fc2, activation(site, block.mlp.act, wide, act), hidden, dim, true);
  });
}

/** [n, tokens, dim] → [n, tokens/4, 2·dim]; a grid of odd height or width is padded with zeros. */
function merge(site: Site, model: Swin, { merging, grid, dim }: SwinStage, x: string): string {
  if (merging === undefined) return x;
  const { norm, reduction } = merging;
  const [height, width] = mergedGrid(grid);
  const children = rearrange(site, reduction, x, mergedSlots(grid), grid[0] * grid[1]);
  const wide = reshape(site, reduction, children, [0, height * width, 4 * dim]);
  const normed = (value: string, size: number): string =>
    layerNorm(site, norm, value, size, model.outerEpsilon, true);
  const reduced = (value: string): string => linear(site, reduction, value, 4 * dim, 2 * dim, false);
  return model.postNorm ? normed(reduced(wide), 2 * dim) : reduced(normed(wide, 4 * dim));
}
