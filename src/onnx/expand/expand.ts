/**
 * @file Fused operators as primitives, so that attention maps can be read and gradients pass. What has no
 * expansion, or is a variant that none covers, is left alone.
 */
import type { GraphBuilder } from "../builder.js";
import type { Node } from "../graph.js";
import { activationExpansions } from "./activation.js";
import { attention, rotaryEmbedding } from "./attention.js";
import { einsumExpansions } from "./einsum.js";
import { type Expansion, Writer } from "./expansion.js";
import { matmulExpansions } from "./matmul.js";
import { microsoftAttentionExpansions } from "./microsoft-attention.js";
import { normalisationExpansions } from "./normalisation.js";

const EXPANSIONS: ReadonlyMap<string, Expansion> = new Map(
  Object.entries({
    Attention: attention,
    RotaryEmbedding: rotaryEmbedding,
    ...activationExpansions,
    ...einsumExpansions,
    ...matmulExpansions,
    ...normalisationExpansions,
    ...microsoftAttentionExpansions,
  }),
);

/** Writes the node out through the builder; false: it is none of these, or a variant that has no expansion. */
export function expandNode(node: Node, builder: GraphBuilder): boolean {
  const expansion = EXPANSIONS.get(node.domain === "" ? node.op : `${node.domain}:${node.op}`);
  return expansion?.(node, new Writer(builder, node)) ?? false;
}
