/**
 * @file The vision transformer (Dosovitskiy et al. 2021) and its descendants as a graph, whatever library the
 * checkpoint is from: the library's own file says how large it is, which of the variants it has and what its tensors
 * and modules are called.
 */
import type { Size } from "./architecture.js";
import { type AttentionExtras, type AttentionNames, attention } from "./attention.js";
import { int, layer, layerNorm, parameter, patchEmbedding, type Site } from "./layers.js";
import { gradientOfPositions, type Interpolation, interpolatePositions } from "./positions.js";
import { type Adjoint, addTo, type Compute } from "./rearrange.js";
import { type Feed, feedForward } from "./vit-feed.js";
import { type VitHead, writeHead } from "./vit-head.js";
import type { Part } from "./weights.js";

export type { Feed } from "./vit-feed.js";
export { type Pooling, type VitHead, withFeatures } from "./vit-head.js";

/** Learned tokens in front of the patches: the class's, the distillation's, registers. */
export interface PrefixTokens {
  /** The tensor, [1, count, dim]. */
  readonly name: string;
  readonly count: number;
  /** Whether the position embedding has rows for them. */
  readonly positioned: boolean;
}

/** A learned position embedding, [1, rows, dim]: a row for each positioned prefix token, then one for each patch. */
export interface Positions {
  /** The tensor; also the scope of its sum with the patches. */
  readonly name: string;
  /** The grid that its rows are for. Of another size than the image's, it is interpolated. */
  readonly grid: Size;
  readonly interpolation: Interpolation;
}

/** Module paths of a block, and tensors where it says so. */
export interface BlockNames {
  /** Of the block itself: what its residual sums are called after. */
  readonly scope: string;
  readonly norm1: string;
  readonly attention: AttentionNames;
  /** Tensors of LayerScale, [dim]; undefined where the model has none. */
  readonly scale1?: string | undefined;
  readonly norm2: string;
  readonly feed: Feed;
  readonly scale2?: string | undefined;
}

export interface Vit {
  readonly dim: number;
  readonly depth: number;
  readonly heads: number;
  /** Between the two linear layers of an MLP. */
  readonly hidden: number;
  readonly channels: number;
  /** In pixels; what remains beyond whole patches is left out, as the convolution does. */
  readonly image: Size;
  readonly patch: Size;
  /** Of every norm. */
  readonly epsilon: number;
  /** The convolution that makes patches. */
  readonly patches: string;
  /** In their order. */
  readonly prefix: readonly PrefixTokens[];
  /** Undefined: the model knows no positions. */
  readonly positions?: Positions | undefined;
  /** A norm in front of the blocks. */
  readonly normPre?: string | undefined;
  readonly block: (index: number) => BlockNames;
  /** What a block's attention has beside its weights: relative position bias, rotary positions. */
  readonly attend?: ((index: number) => AttentionExtras) | undefined;
  /** The norm behind the blocks. */
  readonly norm?: string | undefined;
  readonly head: VitHead;
}

/** How many patches fit: [rows, columns]. */
export const gridOf = (image: Size, patch: Size): Size => [
  Math.floor(image[0] / patch[0]),
  Math.floor(image[1] / patch[1]),
];

/** The sum of what comes before the patches. */
export const prefixLength = (prefix: readonly PrefixTokens[]): number =>
  prefix.reduce((sum, { count }) => sum + count, 0);

/** The shape that the position embedding has in the checkpoint. */
function positionsPart({ dim, prefix }: Vit, { name, grid }: Positions): Part {
  const rows = prefixLength(prefix.filter((tokens) => tokens.positioned));
  return { name, dims: [1, rows + grid[0] * grid[1], dim] };
}

/** The prefix tokens with their positions, [1, count, dim]: the same for every picture, so summed up when loading. */
function prefixConstant({ graph, weights }: Site, vit: Vit): string {
  const { dim, prefix, positions } = vit;
  const parts = prefix.map(({ name, count }) => ({ name, dims: [1, count, dim] }));
  const first = prefix[0];
  const positioned = positions !== undefined && prefix.some((tokens) => tokens.positioned);
  if (prefix.length === 1 && first && !positioned) {
    graph.define(first.name, weights.take(first.name, [1, first.count, dim]));
    return first.name;
  }
  const table = positioned ? [positionsPart(vit, positions)] : [];
  const name = graph.fresh(positioned ? `${first?.name}.positioned` : `${first?.name}.joined`);
  /** Calls `visit` for each prefix tensor with its place in the constant and, if it has one, in the position table. */
  const eachTensor = (
    visit: (tensor: number, at: number, row: number | undefined, length: number) => void,
  ) => {
    let [at, row] = [0, 0];
    for (const [i, tokens] of prefix.entries()) {
      const length = tokens.count * dim;
      const placed = positioned && tokens.positioned;
      visit(i, at, placed ? row : undefined, length);
      at += length;
      if (placed) row += length;
    }
  };
  const compute: Compute = (values, out) => {
    const rows = values[prefix.length];
    eachTensor((i, at, row, length) => {
      out.set(values[i] ?? [], at);
      if (row !== undefined && rows) addTo(out.subarray(at, at + length), rows, row);
    });
  };
  const adjoint: Adjoint = (out, gradients) => {
    const rows = gradients[prefix.length];
    eachTensor((i, at, row, length) => {
      const tokens = gradients[i];
      if (tokens) addTo(tokens, out, at);
      if (row !== undefined && rows) addTo(rows.subarray(row, row + length), out, at);
    });
  };
  graph.define(name, weights.derive([...parts, ...table], [1, prefixLength(prefix), dim], compute, adjoint));
  return name;
}

/** The patches' own positions, on the image's grid: [1, patches, dim]. */
function patchPositions({ graph, weights }: Site, vit: Vit, positions: Positions): string {
  const { dim, image, patch } = vit;
  const part = positionsPart(vit, positions);
  const grid = gridOf(image, patch);
  const { name, grid: stored, interpolation } = positions;
  const patches = grid[0] * grid[1];
  if (part.dims[1] === patches && stored[0] === grid[0]) {
    graph.define(name, weights.take(name, part.dims));
    return name;
  }
  const own = graph.fresh(`${name}.patches`);
  const patchRows = (rows: Float32Array): Float32Array =>
    rows.subarray(rows.length - stored[0] * stored[1] * dim);
  const compute: Compute = ([rows], out) => {
    if (rows) out.set(interpolatePositions(patchRows(rows), stored, grid, dim, interpolation));
  };
  const adjoint: Adjoint = (out, [rows]) => {
    if (rows) addTo(patchRows(rows), gradientOfPositions(out, stored, grid, dim, interpolation), 0);
  };
  graph.define(own, weights.derive([part], [1, patches, dim], compute, adjoint));
  return own;
}

/** Pictures → tokens [n, prefix + patches, dim]. */
function embed(site: Site, pixels: string, vit: Vit): string {
  const { graph } = site;
  const { channels, patch, dim, positions, prefix } = vit;
  const [rows, columns] = gridOf(vit.image, patch);
  const options = { channels, patch, dim, patches: rows * columns };
  const patches = patchEmbedding(site, vit.patches, pixels, options);
  const placed =
    positions === undefined
      ? patches
      : layer(site, positions.name, "Add", [patches, patchPositions(site, vit, positions)]);
  const [first] = prefix;
  if (first === undefined) return placed;
  const tokens = prefixConstant(site, vit);
  const batch = layer(site, first.name, "Shape", [placed], { start: int(0), end: int(1) });
  const each = graph.ints([prefixLength(prefix), dim]);
  const dims = layer(site, first.name, "Concat", [batch, each], { axis: int(0) });
  const expanded = layer(site, first.name, "Expand", [tokens, dims]);
  return layer(site, first.name, "Concat", [expanded, placed], { axis: int(1) });
}

function block(site: Site, index: number, x: string, vit: Vit, tokens: number): string {
  const { dim, heads, hidden, epsilon } = vit;
  const names = vit.block(index);
  /** "blocks.0.ls1.gamma" is a tensor of the module "blocks.0.ls1". */
  const scaled = (branch: string, gamma: string | undefined): string =>
    gamma === undefined
      ? branch
      : layer(site, gamma.replace(/\.[^.]*$/, ""), "Mul", [branch, parameter(site, gamma, [dim])]);
  const normed = layerNorm(site, names.norm1, x, dim, epsilon);
  const shape = { dim, heads, tokens, epsilon };
  const attended = attention(site, names.attention, normed, shape, vit.attend?.(index));
  const middle = layer(site, names.scope, "Add", [x, scaled(attended, names.scale1)]);
  const inner = layerNorm(site, names.norm2, middle, dim, epsilon);
  const fed = feedForward(site, names.feed, inner, { dim, hidden, epsilon });
  return layer(site, names.scope, "Add", [middle, scaled(fed, names.scale2)]);
}

/** From pictures [n, channels, height, width] to logits [n, classes], or features [n, dim] where there is no head. */
export function writeVit(site: Site, pixels: string, vit: Vit): string {
  const { dim, depth, epsilon } = vit;
  const [rows, columns] = gridOf(vit.image, vit.patch);
  const tokens = prefixLength(vit.prefix) + rows * columns;
  const normed = (name: string | undefined, x: string): string =>
    name === undefined ? x : layerNorm(site, name, x, dim, epsilon);
  let x = normed(vit.normPre, embed(site, pixels, vit));
  for (let i = 0; i < depth; i++) x = block(site, i, x, vit, tokens);
  return writeHead(site, vit.head, normed(vit.norm, x), { dim, epsilon, tokens });
}
