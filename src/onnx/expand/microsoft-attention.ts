/**
 * @file ONNX Runtime's fused attentions (com.microsoft Attention, MultiHeadAttention, RotaryEmbedding) in primitives.
 * https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md
 */
import { floatAttribute, int, intAttribute, intsAttribute } from "../attributes.js";
import { isStatic, sameDim } from "../dim.js";
import type { Node } from "../graph.js";
import { tensorOf } from "../shape/array.js";
import {
  attend,
  causalBias,
  maskBias,
  mergeHeads,
  splitHeads,
  splitHeadsSwapped,
  swapLast,
} from "./attend.js";
import { rotate } from "./attention.js";
import { type Expansion, type ExpansionTable, has, input, type Writer, wants } from "./expansion.js";

interface Lengths {
  readonly queries: number | undefined;
  readonly keys: number | undefined;
}

/** Value that a masked score gets. */
const filterValue = (node: Node): number => floatAttribute(node, "mask_filter_value", -10000);

/** `scale`, where 0 says the default. */
const scaleOf = (node: Node, headSize: number): number =>
  floatAttribute(node, "scale", 0) || 1 / Math.sqrt(headSize);

/** A mask of 1 (keep) and 0, or of key lengths, as a bias; undefined for a form that is not known. */
function keyMask(
  node: Node,
  to: Writer,
  mask: string,
  like: string,
  { queries, keys }: Lengths,
): string | undefined {
  const shape = to.shape(mask);
  if (shape === undefined) return undefined;
  const bias = (condition: string): string => maskBias(to, condition, filterValue(node), like);
  const zero = to.graph.constant(tensorOf(to.graph.typeOf(mask).dtype, [], [0]));
  const kept = (): string => to.add("Greater", [mask, zero]);
  switch (shape.length) {
    case 1: {
      // Number of keys to look at, for each image; other one-dimensional forms describe left padding.
      if (!sameDim(shape[0], to.shape(like)?.[0]) || keys === undefined) return undefined;
      const positions = to.graph.constant(
        tensorOf(
          "int32",
          [keys],
          Array.from({ length: keys }, (_, i) => i),
        ),
      );
      const lengths = to.add("Unsqueeze", [mask, to.graph.ints([1, 2, 3])]);
      return bias(to.add("Less", [positions, lengths]));
    }
    case 2:
      return bias(to.add("Unsqueeze", [kept(), to.graph.ints([1, 2])]));
    case 3:
      return bias(to.add("Unsqueeze", [kept(), to.graph.ints([1])]));
    case 4:
      return shape[2] === queries && shape[3] === keys && keys !== undefined ? bias(kept()) : undefined;
    default:
      return undefined;
  }
}

/** Biases on the scores: key mask, causal mask, attention bias. Undefined for a variant that is not known. */
function biasesOf(
  node: Node,
  to: Writer,
  names: { readonly mask: string; readonly bias: string; readonly like: string },
  lengths: Lengths,
): readonly string[] | undefined {
  const biases: string[] = [];
  if (names.mask !== "") {
    const bias = keyMask(node, to, names.mask, names.like, lengths);
    if (bias === undefined) return undefined;
    biases.push(bias);
  }
  if (intAttribute(node, "unidirectional", 0) !== 0) {
    const { queries, keys } = lengths;
    if (queries === undefined || keys === undefined) return undefined;
    biases.push(causalBias(to, queries, keys));
  }
  return names.bias === "" ? biases : [...biases, names.bias];
}

/** Inputs: input, weights, bias, mask_index, past, attention_bias, past_sequence_length. */
const packedAttention: Expansion = (node, to) => {
  const [x, weights, bias, mask, , attentionBias] = [0, 1, 2, 3, 4, 5].map((i) => input(node, i));
  const heads = intAttribute(node, "num_heads", 0);
  const columns = to.size(weights ?? "", 1);
  const third = columns === undefined ? [] : [columns / 3, columns / 3, columns / 3];
  const sizes = intsAttribute(node, "qkv_hidden_sizes") ?? third;
  const rotary = intAttribute(node, "do_rotary", 0) !== 0;
  if (has(node, 4, 6) || wants(node, 1) || rotary || heads === 0 || sizes.length !== 3) return false;
  if (!x || !weights || to.shape(x)?.length !== 3) return false;
  const length = to.size(x, 1);
  const names = { mask: mask ?? "", bias: attentionBias ?? "", like: x };
  const biases = biasesOf(node, to, names, { queries: length, keys: length });
  if (biases === undefined) return false;
  const product = to.add("MatMul", [x, weights]);
  const packed = bias ? to.add("Add", [product, bias]) : product;
  const [q = "", k = "", v = ""] = to.addMany("Split", [packed, to.graph.ints(sizes, "split")], 3, {
    axis: int(2),
  });
  const { context } = attend(to, {
    query: splitHeads(to, q, heads),
    keys: splitHeadsSwapped(to, k, heads),
    values: splitHeads(to, v, heads),
    scale: scaleOf(node, (sizes[0] ?? 0) / heads),
    biases,
  });
  mergeHeads(to, context, node.outputs[0]);
  return true;
};

interface Projections {
  /** [B, S, H·D] or [B, S, H, D], without bias yet. */
  readonly parts: readonly [string, string, string];
  /** Keys and values are [B, H, L, D] already. */
  readonly headsFirst: boolean;
}

/** Q, K and V of MultiHeadAttention in their several packings. */
function projections(node: Node, to: Writer): Projections | undefined {
  const [q, k, v] = [0, 1, 2].map((i) => input(node, i)) as [string, string, string];
  const [queryRank, keyRank] = [to.shape(q)?.length, to.shape(k)?.length];
  const unpack = (x: string, count: number): readonly string[] =>
    to
      .addMany("Split", [x, to.graph.ints(new Array<number>(count).fill(1))], count, { axis: int(3) })
      .map((part) => to.add("Squeeze", [part, to.graph.ints([3])]));
  if (queryRank === 5) {
    const [a = "", b = "", c = ""] = unpack(q, 3);
    return { parts: [a, b, c], headsFirst: false };
  }
  if (queryRank !== 3) return undefined;
  if (keyRank === 5) {
    const [b = "", c = ""] = unpack(k, 2);
    return { parts: [q, b, c], headsFirst: false };
  }
  if (v === "" || (keyRank !== 3 && keyRank !== 4)) return undefined;
  return { parts: [q, k, v], headsFirst: keyRank === 4 };
}

/** Inputs: query, key, value, bias, key_padding_mask, attention_bias, past_key, past_value, … */
const multiHeadAttention: Expansion = (node, to) => {
  const heads = intAttribute(node, "num_heads", 0);
  if (has(node, 6, 7, 8, 9) || wants(node, 1, 2, 3) || heads === 0) return false;
  const shape = to.shape(input(node, 0));
  const width = to.size(input(node, 0), -1);
  if (shape === undefined || width === undefined) return false;
  const headSize = shape.length === 5 ? width : width / heads;
  const keyShape = to.shape(input(node, 1));
  const keyLength = shape.length === 5 ? shape[1] : keyShape?.[keyShape.length === 4 ? 2 : 1];
  const queries = to.size(input(node, 0), 1);
  const names = { mask: input(node, 4), bias: input(node, 5), like: input(node, 0) };
  const biases = biasesOf(node, to, names, { queries, keys: isStatic(keyLength) ? keyLength : undefined });
  const projected = biases && projections(node, to);
  if (biases === undefined || projected === undefined) return false;
  const { headsFirst } = projected;
  const [q, k, v] = withProjectionBias(node, to, projected, heads * headSize);
  const { context } = attend(to, {
    query: heads4(to, q, heads),
    keys: headsFirst ? swapLast(to, k) : heads4(to, k, heads, true),
    values: headsFirst ? v : heads4(to, v, heads),
    scale: scaleOf(node, headSize),
    biases,
  });
  mergeHeads(to, context, node.outputs[0]);
  return true;
};

/** Heads in front, from [B, S, H·D] or [B, S, H, D]; `swapped` as [B, H, D, S]. */
function heads4(to: Writer, x: string, heads: number, swapped = false): string {
  if (to.shape(x)?.length === 3) return swapped ? splitHeadsSwapped(to, x, heads) : splitHeads(to, x, heads);
  return to.add("Transpose", [x], { perm: { kind: "ints", value: swapped ? [0, 2, 3, 1] : [0, 2, 1, 3] } });
}

/** Adds the packed bias [D + D + Dv] to its parts. Keys and values with heads in front have theirs already. */
function withProjectionBias(
  node: Node,
  to: Writer,
  { parts, headsFirst }: Projections,
  width: number,
): readonly [string, string, string] {
  const bias = input(node, 3);
  const total = to.size(bias, 0);
  if (bias === "" || total === undefined) return parts;
  const sizes = to.graph.ints([width, width, total - 2 * width], "split");
  const biases = to.addMany("Split", [bias, sizes], 3, { axis: int(0) });
  const [q, k, v] = parts.map((part, i) => {
    const flat = biases[i] ?? "";
    if (i > 0 && headsFirst) return part;
    const heads = to.size(part, 2);
    const shaped =
      to.shape(part)?.length === 4 ? to.add("Reshape", [flat, to.graph.ints([heads ?? -1, -1])]) : flat;
    return to.add("Add", [part, shaped]);
  });
  return [q ?? "", k ?? "", v ?? ""];
}

/** Inputs: input, position_ids, cos_cache, sin_cache. */
const microsoftRotary: Expansion = (node, to) => {
  const [x, positions, cos, sin] = [0, 1, 2, 3].map((i) => input(node, i)) as [
    string,
    string,
    string,
    string,
  ];
  const perBatch = to.shape(positions)?.length === 2;
  if (!perBatch || floatAttribute(node, "scale", 1) !== 1) return false;
  return rotate(node, to, { x, cos, sin, positions });
};

export const microsoftAttentionExpansions: ExpansionTable = {
  "com.microsoft:Attention": packedAttention,
  "com.microsoft:MultiHeadAttention": multiHeadAttention,
  "com.microsoft:RotaryEmbedding": microsoftRotary,
};
