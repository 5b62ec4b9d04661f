/** @file Which elements a step zeroes (dropout, Srivastava et al. 2014), drawn by seed and step: millions, so a byte each. */
import { elementCount } from "../onnx/tensor.js";
import { mix, randomWords, uniform } from "../random.js";
import type { StepGraph } from "./types.js";
import type { Fed } from "./worker/protocol.js";

/** Where a mask belongs; a training that is gone on with draws the same. */
export interface MaskPlace {
  readonly seed: number;
  readonly step: number;
  /** Which of the step's runs. */
  readonly part: number;
}

/** Sets these numbers apart from others of the same seed and step. */
const PURPOSE = 0x6472_6f70;

/** Bytes 0 and 2 of a word, with room for a carry above each. */
const LANES = 0x00ff_00ff;
const ROOM = 0x0100_0100;
const ONES = 0x0001_0001;

/** For each byte of the word 1 if it is at least the limit (0 to 256), else 0: four comparisons by two subtractions. */
function atLeast(word: number, limit: number): number {
  const limits = Math.imul(limit, ONES);
  const even = ((word & LANES) | ROOM) - limits;
  const odd = (((word >>> 8) & LANES) | ROOM) - limits;
  return ((even >>> 8) & ONES) | (odd & ROOM);
}

/**
 * 1 for each element that is kept, 0 for each that is zeroed, which happens with exactly the probability `rate`: a
 * random byte below ⌊256·rate⌋ zeroes, and where it is equal to that, another number decides by what is left of the rate.
 *
 * @param site which of the graph's masks
 */
export function dropoutMask(
  rate: number,
  count: number,
  { seed, step, part }: MaskPlace,
  site: number,
): Uint8Array<ArrayBuffer> {
  const own = mix(site, mix(part, mix(step, mix(seed, PURPOSE) + 1) + 1) + 1);
  const words = randomWords(own, Math.ceil(count / 4));
  const next = uniform(mix(own, PURPOSE));
  const limit = Math.floor(256 * rate);
  const rest = 256 * rate - limit;
  for (let i = 0; i < words.length; i++) {
    const word = words[i] ?? 0;
    let kept = atLeast(word, limit + 1);
    const equal = atLeast(word, limit) ^ kept;
    for (let bit = equal === 0 ? 32 : 0; bit < 32; bit += 8)
      if ((equal >>> bit) & 1 && next() >= rest) kept |= 1 << bit;
    words[i] = kept;
  }
  return new Uint8Array(words.buffer, 0, count);
}

/** All that a step graph takes, of a training whose rate this is. */
export function dropoutFeeds({ model, inputs: { dropout } }: StepGraph, rate: number, at: MaskPlace): Fed[] {
  const shapes = new Map(model.graph.inputs.map(({ name, shape }) => [name, (shape ?? []).map(Number)]));
  return dropout.map((name, site) => {
    const dims = shapes.get(name) ?? [];
    return { name, dims, data: dropoutMask(rate, elementCount(dims), at, site) };
  });
}
