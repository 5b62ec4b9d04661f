/**
 * @file How deep in the network a tensor lies, read off its name in timm's, transformers' and torchvision's layouts, and
 * what layer-wise learning-rate decay makes of it: what was pretrained and lies far from the head changes less (Clark et
 * al. 2020; for images Bao et al. 2022, Liu et al. 2022).
 */

/** What lies in front of the blocks. Without blocks in their names, all other tensors are the head's. */
const STEM =
  /(^|\.)(embeddings?|patch_embed(dings?)?|conv_proj|patchifier|norm_pre|pre_?norm|ln_pre|layernorm_pre|rope\w*|(shared_)?rel(ative)?_pos(ition)?_bias\w*)(\.|$)|(^|[._])(cls|class|dist|distillation|reg|register|mask)_?tokens?$|(^|[._])pos(ition)?_?embed(ding)?s?$/;

/** The index of a block in its stage; stages come first in a name. */
const BLOCK =
  /^(?:.*?\.)??(?:layers\.(\d+)\.blocks\.(\d+)|stages\.(\d+)\.blocks\.(\d+)|blocks\.(\d+)|encoder_layer_(\d+)|layers?\.(\d+))\./;
/** Between stages: counted with the blocks behind it, as timm does. `after` the stage that transformers lists it with. */
const MERGING = /^(?:.*?\.)?layers\.(\d+)\.(?:downsample)\./;
/** torchvision's Swin: features.0 makes patches, odd ones are stages, even ones merge. */
const FEATURES = /^(?:.*?\.)?features\.(\d+)\.(?:(\d+)\.)?/;

/** A place before all blocks, in one, or behind them. */
type Place = "stem" | "head" | { readonly stage: number; readonly block: number };

function numbers(match: RegExpMatchArray): number[] {
  return match.slice(1).flatMap((text) => (text === undefined ? [] : [Number(text)]));
}

function placeOf(name: string, mergesAhead: boolean): Place {
  const block = name.match(BLOCK);
  const merging = name.match(MERGING);
  if (block && !merging) {
    const [first = 0, second] = numbers(block);
    return second === undefined ? { stage: 0, block: first } : { stage: first, block: second };
  }
  if (merging) return { stage: Number(merging[1]) + (mergesAhead ? 0 : 1), block: 0 };
  const features = name.match(FEATURES);
  if (features) {
    const [part = 0, index = 0] = numbers(features);
    if (part === 0) return "stem";
    return {
      stage: Math.floor((part - 1) / 2) + (part % 2 === 0 ? 1 : 0),
      block: part % 2 === 0 ? 0 : index,
    };
  }
  return STEM.test(name) ? "stem" : "head";
}

export interface Depths {
  /** Transformer blocks of all stages. */
  readonly blocks: number;
  /** 0: tokens, positions and patches; 1 … blocks: the block; blocks + 1: the last norm and the head. */
  readonly depthOf: (name: string) => number;
}

/**
 * The depth of each tensor in a model that has these. What merges tokens between two stages has the depth of the first
 * block behind it.
 *
 * @param names of all the checkpoint's tensors: how many blocks a stage has is seen from them
 */
export function depthsOf(names: Iterable<string>): Depths {
  const all = [...names];
  // timm puts a merging at the beginning of the later stage, transformers and older timm at the end of the earlier one.
  const mergesAhead =
    all.some((name) => MERGING.test(name)) && !all.some((name) => /(^|\.)layers\.0\.downsample\./.test(name));
  const stages: number[] = [];
  for (const name of all) {
    const place = placeOf(name, mergesAhead);
    if (typeof place === "string") continue;
    stages[place.stage] = Math.max(stages[place.stage] ?? 0, place.block + 1);
  }
  const before = (stage: number): number =>
    stages.slice(0, stage).reduce((sum, blocks) => sum + (blocks ?? 0), 0);
  const blocks = before(stages.length);
  return {
    blocks,
    depthOf: (name) => {
      const place = placeOf(name, mergesAhead);
      if (place === "stem") return 0;
      if (place === "head") return blocks + 1;
      return before(place.stage) + place.block + 1;
    },
  };
}

/** decay^(blocks + 1 − depth): 1 for the head, least for the embeddings. */
export const layerRate = (decay: number, depth: number, blocks: number): number =>
  decay ** (blocks + 1 - depth);

/** Freezes all but the head: a linear probe. */
export const frozenTrunk = ({ depthOf, blocks }: Depths): ((name: string) => boolean) =>
  frozenBelow(depthOf, blocks + 1);

/** Freezes all but the last `count` blocks, the norm behind them and the head. */
export const frozenButLast = ({ depthOf, blocks }: Depths, count: number): ((name: string) => boolean) =>
  frozenBelow(depthOf, Math.max(blocks + 1 - count, 0));

const frozenBelow =
  (depthOf: Depths["depthOf"], depth: number) =>
  (name: string): boolean =>
    depthOf(name) < depth;
