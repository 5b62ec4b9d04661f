/**
 * @file Fused operators as primitives, so that attention maps can be read and gradients pass. What has no
 * expansion, or is a variant that none covers, is left alone.
 */
import { GraphBuilder } from "../builder.js";
import type { Model } from "../graph.js";
import { activationExpansions } from "./activation.js";
import { attention, rotaryEmbedding } from "./attention.js";
import { type Expansion, Writer } from "./expansion.js";
import { matmulExpansions } from "./matmul.js";
import { microsoftAttentionExpansions } from "./microsoft-attention.js";
import { normalisationExpansions } from "./normalisation.js";

const EXPANSIONS: ReadonlyMap<string, Expansion> = new Map(
  Object.entries({
    Attention: attention,
    RotaryEmbedding: rotaryEmbedding,
    ...activationExpansions,
    ...matmulExpansions,
    ...normalisationExpansions,
    ...microsoftAttentionExpansions,
  }),
);

/** The model with its fused operators written out. Inputs should have their types; shapes are inferred on the way. */
export function expandFused(model: Model): Model {
  const builder = GraphBuilder.rebuilding(model);
  for (const node of model.graph.nodes) {
    const expansion = EXPANSIONS.get(node.domain === "" ? node.op : `${node.domain}:${node.op}`);
    if (!expansion?.(node, new Writer(builder, node))) builder.push(node);
  }
  return { ...model, graph: builder.build() };
}
