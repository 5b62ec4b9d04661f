/** @file Leaves out nodes and constants that nothing needs. */
import type { Model } from "../graph.js";
import { prune } from "../prune.js";

/** The model without what neither its outputs nor the values named in `keep` need. */
export function removeDead(model: Model, keep: readonly string[] = []): Model {
  const { graph } = model;
  const extra = keep.map((name) => ({ name, dtype: "other", shape: undefined }) as const);
  const pruned = prune({ ...graph, outputs: [...graph.outputs, ...extra] });
  return { ...model, graph: { ...pruned, outputs: graph.outputs } };
}
