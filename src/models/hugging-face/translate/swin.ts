/**
 * @file Swin and Swin V2 of any library as transformers' own. The libraries differ in how windows are laid over a grid
 * that they do not divide, so that the translation is held against what transformers will do, block by block.
 */
import { elementCount } from "../../../onnx/tensor.js";
import type { Classes } from "../../classes.js";
import { derived, filled, rows } from "../../derived.js";
import type { StoredTensor } from "../../stored-tensor.js";
import type { Swin, SwinBlock } from "../../swin.js";
import { listing } from "../../weights.js";
import { offsetCount } from "../../window-bias.js";
import { type Windows, windowRegions, windowSlots } from "../../windows.js";
import { activationName, sideOrPair } from "./configuration.js";
import { refuseTranslation } from "./refusal.js";
import { demand, module, type Source, type Translated } from "./vit.js";

type Into = (name: string, tensor: StoredTensor) => void;

/** One value that all blocks share, or a refusal. */
function shared<T>(model: string, what: string, values: readonly T[]): T {
  const [first] = values;
  if (first === undefined || values.some((value) => value !== first)) {
    return refuseTranslation(
      model,
      `${what} differs between its stages (${[...new Set(values)].join(", ")})`,
    );
  }
  return first;
}

const KINDS = ["query", "key", "value"] as const;

/** A bias of queries, keys or values: packed in one, or timm's own of Swin V2, whose keys have none. */
function biasOf({ find }: Source, { attention }: SwinBlock, i: number): StoredTensor | undefined {
  const own = attention.qkv.length === 3;
  const weight = attention.qkv[own ? i : 0] ?? "";
  const bias = find(weight.replace(/weight$/, "bias"));
  if (bias !== undefined) return own ? bias : rows(bias, i * attention.dim, attention.dim);
  return find(`${attention.scope}.${"qkv"[i]}_bias`);
}

function attentionInto(source: Source, block: SwinBlock, to: string, biased: boolean, into: Into): void {
  const { attention } = block;
  const { dim, qkv, proj, bias, logitScale, heads, windows } = attention;
  const second = logitScale !== undefined;
  KINDS.forEach((kind, i) => {
    const target = `${to}.self.${kind}`;
    const weight = demand(source, qkv[qkv.length === 3 ? i : 0] ?? "");
    into(`${target}.weight`, qkv.length === 3 ? weight : rows(weight, i * dim, dim));
    // transformers' keys of Swin V2 have no bias; those of the others are held at zero.
    if (biased && !(second && kind === "key"))
      into(`${target}.bias`, biasOf(source, block, i) ?? filled([dim], 0));
  });
  module(source, proj, `${to}.output.dense`, into);
  const parts = bias.parts.map(({ name }) => demand(source, name));
  if (second) {
    into(`${to}.self.logit_scale`, demand(source, logitScale));
    for (const [i, name] of ["0.weight", "0.bias", "2.weight"].entries()) {
      const part = parts[i];
      if (part) into(`${to}.self.continuous_position_bias_mlp.${name}`, part);
    }
    return;
  }
  const dims = [offsetCount(windows.window), heads];
  const [table] = parts;
  into(
    `${to}.self.relative_position_bias_table`,
    table?.dims.join() === dims.join() ? table : derived(dims, parts, bias.table),
  );
}

function blockInto(source: Source, block: SwinBlock, to: string, biased: boolean, into: Into): void {
  attentionInto(source, block, `${to}.attention`, biased, into);
  module(source, block.norm1, `${to}.layernorm_before`, into);
  module(source, block.norm2, `${to}.layernorm_after`, into);
  module(source, block.mlp.fc1, `${to}.intermediate.dense`, into);
  module(source, block.mlp.fc2, `${to}.output.dense`, into);
}

/** The table on the grid of the images that are asked for. */
function positionsOf(source: Source, { make, scope }: NonNullable<Swin["positions"]>): StoredTensor {
  let table = demand(source, scope);
  make({
    ...listing(new Map()),
    derive: (parts, dims, compute) => {
      const stored = parts.map(({ name }) => demand(source, name));
      table = derived(dims, stored, (values) => {
        const out = new Float32Array(elementCount(dims));
        compute(values, out);
        return out;
      });
      return { dtype: "float32", dims, bytes: new Uint8Array(0) };
    },
  });
  return table;
}

/** @param trained windows that Swin V2's positions are measured by, of each stage */
export function translateSwin(
  source: Source,
  swin: Swin,
  classes: Classes,
  trained: readonly number[] | undefined,
): Translated {
  const { model } = source;
  const { stages, head, patch, patchEmbed, positions } = swin;
  const blocks = stages.flatMap((stage) => stage.blocks);
  const [first] = blocks;
  if (first === undefined) return refuseTranslation(model, "it has no blocks");
  if (head.pooling.kind !== "mean") return refuseTranslation(model, "it does not classify its tokens' mean");
  if (blocks.some(({ attention }) => attention.width * attention.heads !== attention.dim))
    return refuseTranslation(model, "its heads do not share the width (head_dim)");
  const second = swin.postNorm;
  const modelType = second ? "swinv2" : "swin";
  const biased = biasOf(source, first, 0) !== undefined;
  const trunk = new Map<string, StoredTensor>();
  const into: Into = (name, tensor) => void trunk.set(`${modelType}.${name}`, tensor);
  module(source, patchEmbed.proj, "embeddings.patch_embeddings.projection", into);
  module(source, patchEmbed.norm, "embeddings.norm", into);
  if (positions !== undefined) into("embeddings.position_embeddings", positionsOf(source, positions));
  stages.forEach((stage, s) => {
    stage.blocks.forEach((block, b) => {
      blockInto(source, block, `encoder.layers.${s}.blocks.${b}`, biased, into);
    });
    if (stage.merging === undefined) return;
    const to = `encoder.layers.${s}.downsample`;
    module(source, stage.merging.norm, `${to}.norm`, into);
    into(`${to}.reduction.weight`, demand(source, `${stage.merging.reduction}.weight`));
  });
  module(source, swin.norm, "layernorm", into);
  const [grid] = stages.map((stage) => stage.grid);
  const image = [0, 1].map((axis) => (grid?.[axis] ?? 0) * (patch[axis] ?? 1) - (swin.padding[axis] ?? 0));
  const [classifier] = head.classifiers;
  const own =
    classes.kept && classifier !== undefined
      ? { weight: demand(source, `${classifier}.weight`), bias: demand(source, `${classifier}.bias`) }
      : undefined;
  return {
    modelType,
    architecture: undefined,
    fields: {
      image_size: sideOrPair([image[0] ?? 0, image[1] ?? 0]),
      patch_size: sideOrPair(patch),
      num_channels: swin.channels,
      embed_dim: stages[0]?.dim,
      depths: stages.map((stage) => stage.blocks.length),
      num_heads: stages.map((stage) => stage.blocks[0]?.attention.heads),
      window_size: windowOf(model, swin),
      mlp_ratio: shared(
        model,
        "the width of its MLPs",
        blocks.map(({ hidden, attention }) => hidden / attention.dim),
      ),
      qkv_bias: biased,
      hidden_act: activationName(swin.act),
      layer_norm_eps: swin.epsilon,
      use_absolute_embeddings: positions !== undefined,
      ...(second ? { pretrained_window_sizes: trained ?? stages.map(() => 0) } : {}),
    },
    trunk,
    heads: new Map([["classifier", own]]),
    width: stages.at(-1)?.dim ?? 0,
  };
}

/** The window that transformers cuts to the grid by itself in Swin V2, and that all stages have in Swin. */
function windowOf(model: string, { stages, postNorm }: Swin): number {
  const sides = stages.flatMap(({ blocks }) => blocks.map(({ attention }) => attention.windows.window));
  const [height = 0, width = 0] = sides[0] ?? [];
  if (height !== width) return refuseTranslation(model, `its windows are ${height}×${width}, not square`);
  const all = sides.map((size) => size.join("×"));
  if (!postNorm) shared(model, "the size of its windows", all);
  return height;
}

const pattern = (windows: Windows): string =>
  [windowSlots(windows), groups(windowRegions(windows))].map((list) => list.join()).join(";");

/** Regions by their first appearance: only which are equal counts. */
function groups(regions: Uint8Array | undefined): readonly number[] {
  const order = new Map<number, number>();
  return [...(regions ?? [])].map((region) => {
    const known = order.get(region) ?? order.size;
    order.set(region, known);
    return known;
  });
}

/** @throws VitreousError where transformers would lay its windows otherwise */
export function holdWindows(model: string, before: Swin, after: Swin): void {
  before.stages.forEach((stage, s) => {
    stage.blocks.forEach((block, b) => {
      const other = after.stages[s]?.blocks[b];
      const [own, theirs] = [block.attention.windows, other?.attention.windows];
      if (theirs !== undefined && pattern(own) === pattern(theirs)) return;
      refuseTranslation(
        model,
        `transformers lays windows otherwise over its grid of ${own.grid.join("×")} tokens in stage ${s}; an image size whose grid is whole windows in every stage can be translated`,
      );
    });
  });
}
