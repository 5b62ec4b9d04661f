/**
 * @file Scaled dot-product attention in primitives, common to every fused attention operator. The Softmax is a node
 * of its own, so that attention maps can be read and differentiated.
 */
import { int, ints } from "../attributes.js";
import { tensorOf } from "../shape/array.js";
import type { Writer } from "./expansion.js";

export interface Attention {
  /** [B, H, S, D]. */
  readonly query: string;
  /** Keys with the last two axes swapped: [B, H, D, L]. */
  readonly keys: string;
  /** [B, H, L, Dv]. */
  readonly values: string;
  readonly scale: number;
  /** scores ← softcap·tanh(scores/softcap); 0: none. */
  readonly softcap?: number;
  /** Added to the scores in this order; each broadcasts to [B, H, S, L]. */
  readonly biases: readonly string[];
}

/** Names of the stages; `context` is [B, H, S, Dv]. */
export interface Attended {
  readonly scores: string;
  readonly capped: string;
  readonly biased: string;
  readonly probabilities: string;
  readonly context: string;
}

export function attend(to: Writer, a: Attention, contextName?: string): Attended {
  const scaled = a.scale === 1 ? a.query : to.add("Mul", [a.query, to.scalar(a.scale, a.query)]);
  const scores = to.add("MatMul", [scaled, a.keys]);
  const capped = a.softcap ? softcap(to, scores, a.softcap) : scores;
  const biased = a.biases.reduce((sum, bias) => to.add("Add", [sum, bias]), capped);
  const probabilities = to.add("Softmax", [biased], { axis: int(-1) });
  const context = to.add("MatMul", [probabilities, a.values], {}, contextName);
  return { scores, capped, biased, probabilities, context };
}

function softcap(to: Writer, scores: string, cap: number): string {
  const limit = to.scalar(cap, scores);
  return to.add("Mul", [to.add("Tanh", [to.add("Div", [scores, limit])]), limit]);
}

/** [B, S, H·D] → [B, H, S, D]. */
export function splitHeads(to: Writer, x: string, heads: number): string {
  return to.add("Transpose", [reshapeHeads(to, x, heads)], { perm: ints([0, 2, 1, 3]) });
}

/** [B, L, H·D] → [B, H, D, L]. */
export function splitHeadsSwapped(to: Writer, x: string, heads: number): string {
  return to.add("Transpose", [reshapeHeads(to, x, heads)], { perm: ints([0, 2, 3, 1]) });
}

const reshapeHeads = (to: Writer, x: string, heads: number): string =>
  to.add("Reshape", [x, to.graph.ints([0, 0, heads, -1])]);

/** [B, H, L, D] → [B, H, D, L]. */
export const swapLast = (to: Writer, x: string): string =>
  to.add("Transpose", [x], { perm: ints([0, 1, 3, 2]) });

/** [B, H, S, D] → [B, S, H·D]. */
export function mergeHeads(to: Writer, x: string, output?: string): string {
  const turned = to.add("Transpose", [x], { perm: ints([0, 2, 1, 3]) });
  return to.add("Reshape", [turned, to.graph.ints([0, 0, -1])], {}, output);
}

/** [S, L] with −∞ where key j comes after query i + offset, else 0. */
export function causalBias(to: Writer, queries: number, keys: number, offset = 0): string {
  const values = Array.from({ length: queries * keys }, (_, at) =>
    (at % keys) - Math.floor(at / keys) > offset ? Number.NEGATIVE_INFINITY : 0,
  );
  return to.graph.constant(tensorOf("float32", [queries, keys], values), "causal");
}

/** 0 where the condition holds, else `masked`, as a bias on scores. */
export function maskBias(to: Writer, condition: string, masked: number, like: string): string {
  return to.add("Where", [condition, to.scalar(0, like), to.scalar(masked, like)]);
}
