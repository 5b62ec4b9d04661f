/**
 * @file From a library's numbers and names to Swin's stages: each halves the grid and doubles the width of the one
 * before.
 */
import { VitreousError } from "../onnx/errors.js";
import type { Tensor } from "../onnx/graph.js";
import type { Size } from "./architecture.js";
import type { MlpNames } from "./layers.js";
import type { SwinStage } from "./swin.js";
import type { Weights } from "./weights.js";
import type { PositionBias } from "./window-bias.js";
import { mergedGrid, type Windows } from "./windows.js";

/** Module paths of a block, and tensors where it says so. */
export interface SwinBlockNames {
  readonly scope: string;
  readonly norm1: string;
  readonly norm2: string;
  readonly attention: {
    readonly scope: string;
    /** Tensors. */
    readonly qkv: readonly string[];
    readonly qkvBias: ((weights: Weights, length: number) => Tensor) | undefined;
    readonly proj: string;
    /** Tensor of v2. */
    readonly logitScale: string | undefined;
  };
  readonly mlp: MlpNames;
}

export interface SwinLayout {
  /** Patches down and across. */
  readonly grid: Size;
  readonly embedDim: number;
  readonly depths: readonly number[];
  /** Of each stage, like the next two. */
  readonly heads: readonly number[];
  /** Features of one head; undefined: its share of the width. */
  readonly headDims?: readonly (number | undefined)[];
  readonly mlpRatios: readonly number[];
  readonly masked: number;
  readonly windows: (stage: number, block: number, grid: Size) => Windows;
  readonly names: (stage: number, block: number) => SwinBlockNames;
  readonly bias: (scope: string, stage: number, windows: Windows, heads: number) => PositionBias;
  /** Module paths of what leads from a stage to the next one. */
  readonly merging: (stage: number) => { readonly norm: string; readonly reduction: string };
}

/** @throws VitreousError where heads and stages do not fit each other */
export function swinStages(layout: SwinLayout): readonly SwinStage[] {
  const { depths, heads, embedDim, mlpRatios, headDims } = layout;
  if (heads.length !== depths.length) {
    throw new VitreousError(
      `config.json: num_heads has ${heads.length} entries for ${depths.length} stages.`,
    );
  }
  let { grid } = layout;
  return depths.map((depth, stage) => {
    const dim = embedDim * 2 ** stage;
    const count = heads[stage] ?? 1;
    const given = headDims?.[stage];
    if (given === undefined && dim % count !== 0) {
      throw new VitreousError(`config.json: ${count} heads do not divide stage ${stage}'s width ${dim}.`);
    }
    const width = given ?? dim / count;
    const own = grid;
    grid = mergedGrid(grid);
    const blocks = Array.from({ length: depth }, (_, i) => {
      const names = layout.names(stage, i);
      const windows = layout.windows(stage, i, own);
      const { qkvBias, ...attention } = names.attention;
      return {
        ...names,
        hidden: Math.trunc(dim * (mlpRatios[stage] ?? 4)),
        attention: {
          ...attention,
          qkvBias: qkvBias && ((weights: Weights) => qkvBias(weights, 3 * count * width)),
          bias: layout.bias(attention.scope, stage, windows, count),
          dim,
          heads: count,
          width,
          windows,
          masked: layout.masked,
        },
      };
    });
    const merging = stage === depths.length - 1 ? undefined : layout.merging(stage);
    return { dim, grid: own, blocks, merging };
  });
}
