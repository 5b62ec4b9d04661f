/**
 * @file ai.onnx Attention (opset 23) in primitives.
 * https://onnx.ai/onnx/operators/onnx__Attention.html
 */
import { floatAttribute, int, intAttribute } from "../attributes.js";
import { isStatic } from "../dim.js";
import type { Node } from "../graph.js";
import {
  attend,
  causalBias,
  maskBias,
  mergeHeads,
  splitHeads,
  splitHeadsSwapped,
  swapLast,
} from "./attend.js";
import { type Expansion, has, input, type Writer, wants } from "./expansion.js";

/** Inputs: Q, K, V, attn_mask, past_key, past_value, nonpad_kv_seqlen. Outputs: Y, present_key, present_value, qk. */
export const attention: Expansion = (node, to) => {
  const [q, k, v] = [0, 1, 2].map((i) => input(node, i)) as [string, string, string];
  const rank = to.shape(q)?.length;
  if (has(node, 4, 5, 6) || wants(node, 1, 2) || (rank !== 3 && rank !== 4)) return false;
  const windowed = ["left_window_size", "right_window_size"].some(
    (name) => intAttribute(node, name, -1) >= 0,
  );
  const queryHeads = rank === 3 ? intAttribute(node, "q_num_heads") : to.size(q, 1);
  const keyHeads = rank === 3 ? intAttribute(node, "kv_num_heads") : to.size(k, 1);
  const width = to.size(q, -1);
  if (windowed || !queryHeads || !keyHeads || width === undefined) return false;
  const biases = biasesOf(node, to, rank);
  if (biases === undefined) return false;
  const headSize = rank === 3 ? width / queryHeads : width;
  const repeats = queryHeads / keyHeads;
  const query = rank === 3 ? splitHeads(to, q, queryHeads) : q;
  const grouped = (x: string): string => (repeats === 1 ? x : repeatHeads(to, x, keyHeads, repeats));
  const direct = rank === 3 && repeats === 1;
  const stages = attend(
    to,
    {
      query,
      keys: direct
        ? splitHeadsSwapped(to, k, keyHeads)
        : swapLast(to, grouped(rank === 3 ? splitHeads(to, k, keyHeads) : k)),
      values: grouped(rank === 3 ? splitHeads(to, v, keyHeads) : v),
      scale: floatAttribute(node, "scale", 1 / Math.sqrt(headSize)),
      softcap: floatAttribute(node, "softcap", 0),
      biases,
    },
    rank === 4 ? node.outputs[0] : undefined,
  );
  if (rank === 3) mergeHeads(to, stages.context, node.outputs[0]);
  if (wants(node, 3)) {
    const kept = [stages.scores, stages.capped, stages.biased, stages.probabilities];
    const mode = intAttribute(node, "qk_matmul_output_mode", 0);
    to.add("Identity", [kept[mode] ?? stages.scores], {}, node.outputs[3]);
  }
  return true;
};

/** The causal mask and the given one; undefined where the causal one would need lengths that are not known. */
function biasesOf(node: Node, to: Writer, rank: number): readonly string[] | undefined {
  const biases: string[] = [];
  const [q, k, mask] = [0, 1, 3].map((i) => input(node, i)) as [string, string, string];
  const axis = rank === 3 ? 1 : 2;
  const keys = to.size(k, axis);
  if (intAttribute(node, "is_causal", 0) !== 0) {
    const queries = to.size(q, axis);
    if (queries === undefined || keys === undefined) return undefined;
    biases.push(causalBias(to, queries, keys));
  }
  if (mask !== "") {
    // A mask shorter than the keys is padded by the runtime; nobody exports that.
    const length = to.shape(mask)?.at(-1);
    if (isStatic(length) && length !== 1 && keys !== undefined && length !== keys) return undefined;
    const { dtype } = to.graph.typeOf(mask);
    biases.push(dtype === "bool" ? maskBias(to, mask, Number.NEGATIVE_INFINITY, q) : mask);
  }
  return biases;
}

/** [B, h, L, D] → [B, h·r, L, D], each head r times in a row. */
function repeatHeads(to: Writer, x: string, heads: number, repeats: number): string {
  const apart = to.add("Unsqueeze", [x, to.graph.ints([2])]);
  const copies = to.add("Expand", [apart, to.graph.ints([1, 1, repeats, 1, 1])]);
  const [length = -1, width = -1] = [to.size(x, 2) ?? -1, to.size(x, 3)];
  return to.add("Reshape", [copies, to.graph.ints([0, heads * repeats, length, width])]);
}

/**
 * ai.onnx RotaryEmbedding (opset 23): pairs of channels turned by an angle for each token.
 * https://onnx.ai/onnx/operators/onnx__RotaryEmbedding.html
 */
export const rotaryEmbedding: Expansion = (node, to) => {
  const [x, cos, sin, positions] = [0, 1, 2, 3].map((i) => input(node, i)) as [
    string,
    string,
    string,
    string,
  ];
  return rotate(node, to, { x, cos, sin, positions });
};

export interface Rotation {
  /** [B, H, S, D] or, with the attribute num_heads, [B, S, H·D]. */
  readonly x: string;
  /** [B, S, d/2], or a table [positions, d/2] that `positions` index. */
  readonly cos: string;
  readonly sin: string;
  /** [B, S], or "" for none. */
  readonly positions: string;
}

export function rotate(node: Node, to: Writer, r: Rotation): boolean {
  const rank = to.shape(r.x)?.length;
  const last = to.size(r.x, -1);
  const half = to.size(r.cos, -1);
  const heads = rank === 3 ? intAttribute(node, "num_heads", 0) : to.size(r.x, 1);
  if ((rank !== 3 && rank !== 4) || !last || !heads || half === undefined) return false;
  const headSize = rank === 3 ? last / heads : last;
  // With [B, S, H, D] the table broadcasts over the heads at axis 2, with [B, H, S, D] at axis 1.
  const headAxis = rank === 3 ? 2 : 1;
  const split = rank === 3 ? to.add("Reshape", [r.x, to.graph.ints([0, 0, heads, headSize])]) : r.x;
  const table = (cache: string): string => {
    const rows = r.positions === "" ? cache : to.add("Gather", [cache, r.positions]);
    return to.add("Unsqueeze", [rows, to.graph.ints([headAxis])]);
  };
  const [cos, sin] = [table(r.cos), table(r.sin)];
  const turned = intAttribute(node, "rotary_embedding_dim", 0) || headSize;
  if (2 * half !== turned) return false;
  const [head, tail] =
    turned < headSize ? slices(to, split, [turned, headSize - turned]) : [split, undefined];
  const interleaved = intAttribute(node, "interleaved", 0) !== 0;
  const pairs = interleaved
    ? to.add("Reshape", [head ?? split, to.graph.ints([0, 0, 0, half, 2])])
    : (head ?? split);
  const [first = "", second = ""] = interleaved
    ? slices(to, pairs, [1, 1]).map((part) => to.add("Squeeze", [part, to.graph.ints([-1])]))
    : slices(to, pairs, [half, half]);
  const real = to.add("Sub", [to.add("Mul", [cos, first]), to.add("Mul", [sin, second])]);
  const imaginary = to.add("Add", [to.add("Mul", [sin, first]), to.add("Mul", [cos, second])]);
  const joined = interleaved ? interleave(to, real, imaginary, turned) : concat(to, [real, imaginary]);
  const whole = tail === undefined ? joined : concat(to, [joined, tail]);
  if (rank === 3) to.add("Reshape", [whole, to.graph.ints([0, 0, last])], {}, node.outputs[0]);
  else to.add("Identity", [whole], {}, node.outputs[0]);
  return true;
}

const slices = (to: Writer, x: string, sizes: readonly number[]): readonly string[] =>
  to.addMany("Split", [x, to.graph.ints(sizes)], sizes.length, { axis: int(-1) });

const concat = (to: Writer, parts: readonly string[]): string => to.add("Concat", parts, { axis: int(-1) });

function interleave(to: Writer, real: string, imaginary: string, width: number): string {
  const columns = [real, imaginary].map((part) => to.add("Unsqueeze", [part, to.graph.ints([-1])]));
  return to.add("Reshape", [concat(to, columns), to.graph.ints([0, 0, 0, width])]);
}
